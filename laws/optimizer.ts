/**
 * The laws of optimisers.
 *
 * @module
 */
import fc from 'fast-check'
import { random, tensor, tree, type LearningRate, type Optimizer, type Tensor } from 'pullback'
import * as arbitrary from './arbitraries.js'
import { optimizerKeeping } from './keeping.js'
import { fails, type Finding, firstFailing, holds, type Law, law, worst } from './law.js'
import { largestDifference, sameBits, snapshot } from './values.js'

type Params = { readonly weight: Tensor, readonly bias: Tensor }

const shapes = { weight: [2, 3], bias: [3] }
const trees = arbitrary.treeOf(shapes)

const distance = (a: Tensor, b: Tensor): number => tensor.norm(tensor.subtract(b)(a))

/** What the optimiser does with a sequence of gradients. */
const run = <S extends string>(optimizer: Optimizer<S>, params: Params, gradients: readonly Params[]): readonly Params[] => {
  const visited: Params[] = []
  gradients.reduce((current, gradient) => {
    const next = optimizer.step(current.params, gradient, current.state)
    visited.push(next.params)
    return next
  }, { params, state: optimizer.init(params) })
  return visited
}

const sequences = fc.record({ params: trees, gradients: fc.array(trees, { minLength: 1, maxLength: 5 }) })

/**
 * Everything that must hold for any optimiser.
 *
 * @example
 * laws.optimizer(adam({ learningRate: 0.01 })).some(({ property }) => fc.check(property, { numRuns: 5 }).failed) // false
 */
export const optimizer = <S extends string>(o: Optimizer<S>): readonly Law[] => [
  law({
    name: 'purity',
    statement: 'arguments keep their bits, and a second run gives the same bits',
    cases: sequences,
    check: ({ params, gradients }) => {
      const before = snapshot({ params, gradients })
      const once = run(o, params, gradients), twice = run(o, params, gradients)
      return firstFailing([
        sameBits('the arguments before and after', before, snapshot({ params, gradients })),
        sameBits('two runs', snapshot(once), snapshot(twice))
      ])
    }
  }),
  law({
    name: 'steps are counted',
    statement: 'the first state has taken 0 steps, and every step adds 1',
    cases: sequences,
    check: ({ params, gradients }) => {
      const first = o.init(params)
      const last = gradients.reduce((current, gradient) => o.step(current.params, gradient, current.state), { params, state: first }).state
      return first.step === 0 && last.step === gradients.length ? holds
        : fails(`${first.step} steps at first, ${last.step} after ${gradients.length}`)
    }
  }),
  law({
    name: 'descent',
    statement: 'the first step moves every parameter with a gradient against that gradient, and keeps shapes',
    cases: fc.record({ params: trees, gradient: arbitrary.treeOf(shapes, { awayFromZero: 0.1 }) }),
    check: ({ params, gradient }) => {
      const zero = tree.zeros(params)
      const [moved] = run(o, zero, [gradient])
      return firstFailing(tree.flatten(moved).map(([path, leaf]): Finding => {
        const g = path === 'weight' ? gradient.weight : gradient.bias
        const wrong = Array.from(leaf.data).findIndex((x, i) => !(x * g.data[i] < 0))
        return wrong < 0 ? holds : fails(`"${path}" entry ${wrong}: gradient ${g.data[wrong]}, moved by ${leaf.data[wrong]}`)
      }))
    }
  }),
  optimizerKeeping(o)
]

/** A schedule is read at the number of steps taken: each step is that of an optimiser with the constant rate of its number. */
export const readsItsSchedule = <S extends string>(o: (learningRate: LearningRate) => Optimizer<S>): Law => law({
  name: 'the schedule is read at the step',
  statement: 'with a schedule $\\eta$, step $s$ is the step with the constant rate $\\eta_s$, for $s = 0, 1, \\dots$, to the bit',
  cases: sequences,
  check: ({ params, gradients }) => {
    const rateAt = (step: number): number => 1 / (step + 2)
    const scheduled = run(o(rateAt), params, gradients)
    const first = o(rateAt(0))
    const constant: Params[] = []
    gradients.reduce((current, gradient, s) => {
      const next = o(rateAt(s)).step(current.params, gradient, current.state)
      constant.push(next.params)
      return next
    }, { params, state: first.init(params) })
    return sameBits('with a schedule and with constants', snapshot(scheduled), snapshot(constant))
  }
})

/** An optimiser that clips is the optimiser on the clipped gradient. */
export const clipsBeforeTheStep = <S extends string>(
  clippedOptimizer: Optimizer<S>, o: Optimizer<S>, clip: <P>(gradient: P) => P
): Law => law({
  name: 'clips every gradient',
  statement: '$\\mathrm{step}(\\theta, g) = \\mathrm{step}_0(\\theta, \\mathrm{clip}(g))$, to the bit',
  cases: sequences,
  check: ({ params, gradients }) =>
    sameBits('with clipping inside and outside', snapshot(run(clippedOptimizer, params, gradients)), snapshot(run(o, params, gradients.map(clip))))
})

/** On $\tfrac12\lVert\theta\rVert^2$, whose gradient is $\theta$, plain descent is $\theta_s = (1 - \eta)^s\,\theta_0$. */
export const descendsAQuadratic = (o: (learningRate: number) => Optimizer<string>): Law => law({
  name: 'gradient descent on a quadratic',
  statement: 'with $g = \\theta$, $\\theta_s = (1 - \\eta)^s\\,\\theta_0$',
  tolerance: 1e-13,
  reason: 'double precision: three roundings for each of ten steps',
  cases: fc.record({ params: trees, rate: fc.integer({ min: 1, max: 15 }).map(k => k / 16) }),
  check: ({ params, rate }) => {
    const steps = 10
    let current = { params, state: o(rate).init(params) }
    for (let s = 0; s < steps; s++) current = o(rate).step(current.params, current.params, current.state)
    const expected = tensor.scale((1 - rate) ** steps)(params.weight)
    const error = distance(current.params.weight, expected) / (1 + tensor.norm(params.weight))
    return { error, explain: () => `rate ${rate}, "weight" against what is expected: ${largestDifference(current.params.weight, expected)}` }
  }
})

/** Momentum with a constant gradient: $u_s = g\,(1 - \mu^s)/(1 - \mu)$. */
export const sumsVelocities = (o: Optimizer<string>, learningRate: number, mu: number): Law => law({
  name: 'momentum adds up',
  statement: 'with a constant gradient, $\\theta_s = \\theta_0 - \\eta g \\sum_{k=1}^{s} \\frac{1 - \\mu^k}{1 - \\mu}$',
  tolerance: 1e-12,
  reason: 'double precision: a dozen roundings',
  cases: fc.record({ params: trees, gradient: trees, steps: fc.integer({ min: 1, max: 8 }) }),
  check: ({ params, gradient, steps }) => {
    const visited = run(o, params, Array.from({ length: steps }, () => gradient))
    let factor = 0
    for (let k = 1; k <= steps; k++) factor += (1 - mu ** k) / (1 - mu)
    const expected = tensor.zipWith(gradient.weight, (p, g) => p - learningRate * factor * g)(params.weight)
    const error = distance(visited[steps - 1].weight, expected) / (1 + tensor.norm(expected))
    return { error, explain: () => `after ${steps} steps, "weight" against what is expected: ${largestDifference(visited[steps - 1].weight, expected)}` }
  }
})

/**
 * The largest $|\hat m_s|/\sqrt{\hat v_s}$ that any gradients can give. With $w_k = \beta_1^{s-k}$ and $u_k = \beta_2^{s-k}$,
 * $\hat m = \sum w_k g_k/\sum w_k$ and $\hat v = \sum u_k g_k^2/\sum u_k$, so by the inequality of Cauchy and Schwarz
 * $\hat m^2 \le \hat v\,\sum \frac{w_k^2}{u_k} \sum u_k \big/ \big(\sum w_k\big)^2$. (Kingma and Ba 2015, § 2.1, bound the
 * limit for large $s$ only.)
 */
const largestRatio = (beta1: number, beta2: number, step: number): number => {
  let w = 0, u = 0, ratio = 0
  for (let age = 0; age < step; age++) {
    w += beta1 ** age
    u += beta2 ** age
    ratio += (beta1 * beta1 / beta2) ** age
  }
  return Math.sqrt(ratio * u) / w
}

/** No gradients move a parameter farther than the largest ratio allows; a first step moves it by $\eta$. */
export const adamStepBound = (
  o: Optimizer<string>, { learningRate, beta1, beta2 }: { readonly learningRate: number, readonly beta1: number, readonly beta2: number }
): Law => law({
  name: 'step bound',
  statement: '$|\\Delta\\theta_i| \\le \\eta \\sqrt{\\sum_k w_k^2/u_k \\sum_k u_k}\\,/\\sum_k w_k$ with $w_k = \\beta_1^k$, $u_k = \\beta_2^k$ over the steps so far, and $|\\Delta\\theta_i| = \\eta$ in the first',
  tolerance: 1e-6,
  reason: 'ε = 1e-8 against gradients of at least 0.1 in the first step',
  cases: fc.record({
    params: trees, first: arbitrary.treeOf(shapes, { awayFromZero: 0.1 }), later: fc.array(trees, { maxLength: 6 })
  }),
  check: ({ params, first, later }) => {
    const visited = [params, ...run(o, params, [first, ...later])]
    return worst(visited.slice(1).map((at, s): Finding => {
      const moves = Array.from(tensor.subtract(visited[s].weight)(at.weight).data, Math.abs)
      const bound = learningRate * largestRatio(beta1, beta2, s + 1)
      const error = s === 0
        ? Math.max(...moves.map(move => Math.abs(move / learningRate - 1)))
        : Math.max(0, Math.max(...moves) / bound - 1)
      return { error, explain: () => `step ${s + 1}: moves ${moves.join(', ')}, bound ${bound}` }
    }))
  }
})

/** Adam does not notice the scale of the gradients. */
export const adamScaleInvariance = (o: Optimizer<string>): Law => law({
  name: 'invariance to the scale of the gradient',
  statement: 'gradients $c\\,g_s$ with $c > 0$ give the same steps as $g_s$, up to ε',
  tolerance: 1e-5,
  reason: 'ε = 1e-8 against gradients of at least 0.1 · 1/16, so 1.6e-6 in each step',
  cases: fc.record({
    params: trees, gradients: fc.array(arbitrary.treeOf(shapes, { awayFromZero: 0.1 }), { minLength: 1, maxLength: 4 }),
    c: fc.integer({ min: -4, max: 4 }).map(e => 2 ** e)
  }),
  check: ({ params, gradients, c }) => {
    const plain = run(o, params, gradients), scaled = run(o, params, gradients.map(tree.map(tensor.scale(c))))
    const last = plain.length - 1
    const moved = distance(plain[last].weight, params.weight)
    const error = distance(plain[last].weight, scaled[last].weight) / (1e-3 + moved)
    return { error, explain: () => `c = ${c}, "weight" without and with the factor: ${largestDifference(plain[last].weight, scaled[last].weight)}` }
  }
})

/** Decoupled decay: with a zero gradient a decaying parameter shrinks by $1 - \eta\lambda$, the others stay. */
export const decaysWeights = (
  o: Optimizer<string>, learningRate: number, weightDecay: number, decays: (path: string) => boolean
): Law => law({
  name: 'decoupled decay',
  statement: 'with $g = 0$, $\\theta\' = (1 - \\eta\\lambda)\\,\\theta$ where θ decays and $\\theta\' = \\theta$ elsewhere',
  tolerance: 1e-15,
  reason: 'double precision: two roundings',
  cases: trees,
  check: params => {
    const [moved] = run(o, params, [tree.zeros(params)])
    return worst((['weight', 'bias'] as const).map((path): Finding => {
      const expected = tensor.scale(decays(path) ? 1 - learningRate * weightDecay : 1)(params[path])
      const error = distance(moved[path], expected) / (1 + tensor.norm(expected))
      return { error, explain: () => `"${path}" against what is expected: ${largestDifference(moved[path], expected)}` }
    }))
  }
})

/** Clipping keeps the direction and bounds the norm; a small gradient keeps its bits. */
export const clipsToTheNorm = (
  clip: (maxNorm: number) => <P>(gradient: P) => P, globalNorm: (gradient: unknown) => number
): Law => law({
  name: 'clipping by the global norm',
  statement: '$\\lVert\\mathrm{clip}_c(g)\\rVert \\le c$, $\\mathrm{clip}_c(g) = s\\,g$ with one $s \\le 1$ for the whole tree, and $s = 1$ where $\\lVert g\\rVert$ is below $c$',
  tolerance: 1e-5,
  reason: 'the 1e-6 in the denominator',
  cases: fc.record({ gradient: trees, maxNorm: fc.integer({ min: 1, max: 64 }).map(k => k / 8), key: fc.nat().map(random.key) }),
  check: ({ gradient, maxNorm }) => {
    const result = clip(maxNorm)(gradient)
    const entries = tree.flatten(gradient).flatMap(([, leaf]) => Array.from(leaf.data))
    const norm = Math.sqrt(entries.reduce((total, g) => total + g * g, 0))
    const s = Math.min(1, maxNorm / norm)
    const expected = norm === 0 ? gradient : tree.map(tensor.scale(s))(gradient)
    const off = (distance(result.weight, expected.weight) + distance(result.bias, expected.bias)) / (maxNorm + norm)
    return worst([
      { error: off, explain: () => `norm ${norm}, limit ${maxNorm}: off by ${off}` },
      { error: Math.abs(globalNorm(gradient) - norm), explain: () => `norm ${norm}, reported ${globalNorm(gradient)}` },
      norm < maxNorm * 0.99 ? sameBits('a small gradient', snapshot(result), snapshot(gradient)) : holds
    ])
  }
})
