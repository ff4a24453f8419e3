/**
 * Laws of neural networks as values, for fast-check: `import { laws, arbitrary, asTests } from 'pullback/laws'`.
 *
 * ```ts
 * asTests(test)(laws.layer(myLayer, { params: fc.constant(noParams), input: arbitrary.tensors() }))
 * ```
 *
 * @module
 */
export * as arbitrary from './arbitraries.js'
export * as laws from './bundles.js'
export type { Value } from './derivations/arrays.js'
export type { Chain, Claim, Derivation, DerivationDefinition, Output, Place, Step } from './derivations/definition.js'
export { derivation } from './derivations/derivation.js'
export { type Chapter, chapters, derivations, type Page } from './derivations/index.js'
export { axis, chance, constant, defined, given, gradientAt, mapping, numeric } from './derivations/letters.js'
export { asTests, type Finding, type Law, law, type LawDefinition } from './law.js'
