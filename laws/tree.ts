/**
 * The laws of trees and type-class instances.
 *
 * @module
 */
import fc from 'fast-check'
import type { Eq } from 'fp-ts/lib/Eq.js'
import type { Monoid } from 'fp-ts/lib/Monoid.js'
import { fails, firstFailing, holds, type Law, law } from './law.js'
import { sameBits, snapshot } from './values.js'

/** Reflexive, symmetric, transitive. */
export const eq = <A>(instance: Eq<A>, values: fc.Arbitrary<A>): Law => law({
  name: 'Eq',
  statement: '$a = a$; $a = b$ implies $b = a$; $a = b$ and $b = c$ imply $a = c$',
  cases: fc.tuple(values, values, values),
  check: ([a, b, c]) => {
    const { equals } = instance
    if (!equals(a, a)) return fails('a value does not equal itself')
    if (equals(a, b) !== equals(b, a)) return fails('not symmetric')
    return equals(a, b) && equals(b, c) && !equals(a, c) ? fails('not transitive') : holds
  }
})

/**
 * Unit and associativity, to the bit. Floating-point addition is associative only if it is exact, so the
 * arbitrary should give numbers whose sums are.
 */
export const monoid = <A>(instance: (like: A) => Monoid<A>, triples: fc.Arbitrary<readonly [A, A, A]>): Law => law({
  name: 'Monoid',
  statement: '$0 + a = a = a + 0$ and $(a + b) + c = a + (b + c)$',
  cases: triples,
  check: ([a, b, c]) => {
    const { concat, empty } = instance(a)
    return firstFailing([
      sameBits('0 + a and a', snapshot(concat(empty, a)), snapshot(a)),
      sameBits('a + 0 and a', snapshot(concat(a, empty)), snapshot(a)),
      sameBits('(a + b) + c and a + (b + c)', snapshot(concat(concat(a, b), c)), snapshot(concat(a, concat(b, c))))
    ])
  }
})
