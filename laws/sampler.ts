/**
 * The laws of choosing a token from logits.
 *
 * @module
 */
import fc from 'fast-check'
import { random, tensor, type Sampler, type Tensor } from 'pullback'
import * as arbitrary from './arbitraries.js'
import { samplerKeeping } from './keeping.js'
import { fails, type Finding, holds, type Law, law } from './law.js'

/** Equal ones, too, whose probabilities are exact if their number is a power of two. */
const logits: fc.Arbitrary<Tensor> = fc.oneof(
  { weight: 4, arbitrary: arbitrary.axis(7).chain(v => arbitrary.tensorOf([v], { scale: 4 })) },
  { weight: 1, arbitrary: fc.constantFrom(2, 4, 8).map(v => tensor.full([v], 0, 'float64')) })

/** The probabilities with which a sampler should draw each token. */
export type Distribution = (logits: readonly number[]) => readonly number[]

const DRAWS = 400
/** A token too many is often unlikely: one draw for each case would miss it. */
const SUPPORT_DRAWS = 32

/**
 * Upper bound of Pearson's statistic for a given number of degrees of freedom, about seven deviations above its
 * mean: exceeded by chance less than once in 1e6 cases. (E. Wilson, M. Hilferty, *The Distribution of Chi-Square*,
 * 1931.)
 */
const chiSquareBound = (freedom: number): number => {
  const z = 5.2, c = 2 / (9 * freedom)
  return freedom * (1 - c + z * Math.sqrt(c)) ** 3
}

/** Everything that must hold for a sampler that should draw from a distribution. */
export const sampler = (choose: Sampler, distribution: Distribution): readonly Law[] => [
  law({
    name: 'support',
    statement: 'a token of probability 0 is never drawn, and what is drawn is a token',
    cases: fc.record({ logits, key: arbitrary.keys }),
    check: ({ logits: x, key }) => {
      const p = distribution(Array.from(x.data))
      const outside = Array.from({ length: SUPPORT_DRAWS }, (_, i) => choose(x)(random.foldIn(i)(key))).find(token => !(p[token] > 0))
      return outside === undefined ? holds : fails(`drew ${outside} from probabilities ${p.join(', ')}`)
    }
  }),
  law({
    name: 'determinism',
    statement: 'the same key draws the same token',
    cases: fc.record({ logits, key: arbitrary.keys }),
    check: ({ logits: x, key }) => (choose(x)(key) === choose(x)(key) ? holds : fails('two draws with one key differ'))
  }),
  law({
    name: 'distribution',
    statement: `Pearson\'s $\\chi^2$ of ${DRAWS} draws against the distribution stays below a bound that chance exceeds once in $10^{6}$`,
    tolerance: 1,
    reason: 'χ² relative to its bound; tokens expected fewer than five times are counted together',
    cases: fc.record({ logits, key: arbitrary.keys }),
    check: ({ logits: x, key }): Finding => {
      const p = distribution(Array.from(x.data))
      const counts = p.map(() => 0)
      for (let i = 0; i < DRAWS; i++) counts[choose(x)(random.foldIn(i)(key))]++
      const cells = p.map((pi, token) => [pi * DRAWS, counts[token]] as const)
      const common = cells.filter(([expected]) => expected >= 5), rare = cells.filter(([expected]) => expected < 5)
      const pooled = rare.reduce(([e, n], [expected, count]) => [e + expected, n + count], [0, 0])
      const all = pooled[0] >= 5 ? [...common, pooled] : common
      const statistic = all.reduce((total, [expected, count]) => total + (count - expected) ** 2 / expected, 0)
      const limit = all.length < 2 ? 1 : chiSquareBound(all.length - 1)
      const missing = pooled[0] < 5 && pooled[1] > 5 + 6 * Math.sqrt(5) ? Infinity : 0
      return { error: Math.max(statistic / limit, missing), explain: () => `χ² = ${statistic}, bound ${limit}: counts ${counts.join(', ')} for ${p.join(', ')}` }
    }
  }),
  samplerKeeping(choose)
]

const exponentials = (x: readonly number[]): readonly number[] => {
  const max = Math.max(...x), e = x.map(v => Math.exp(v - max)), total = e.reduce((a, b) => a + b, 0)
  return e.map(v => v / total)
}

/** $p_i \propto e^{x_i/\tau}$ */
export const temperatureDistribution = (temperature: number): Distribution => x => exponentials(x.map(v => v / temperature))

const normalised = (weights: readonly number[]): readonly number[] => {
  const total = weights.reduce((a, b) => a + b, 0)
  return weights.map(w => w / total)
}

/** In proportion to the softmax among the `count` likeliest tokens, 0 elsewhere. */
export const topKDistribution = (count: number): Distribution => x => {
  const p = exponentials(x)
  const rank = (i: number) => x.filter((v, j) => v > x[i] || (v === x[i] && j < i)).length
  return normalised(p.map((pi, i) => (rank(i) < count ? pi : 0)))
}

/** In proportion to the softmax among the fewest likeliest tokens that hold `mass`, 0 elsewhere. */
export const topPDistribution = (mass: number): Distribution => x => {
  const p = exponentials(x)
  const before = (i: number) => p.filter((_, j) => x[j] > x[i] || (x[j] === x[i] && j < i)).reduce((a, b) => a + b, 0)
  return normalised(p.map((pi, i) => (before(i) < mass - 1e-15 ? pi : 0)))
}

/** Temperature, then top-k, then top-p among what is left. */
export const filteredDistribution = (temperature: number, count: number, mass: number): Distribution => x => {
  const kept = topKDistribution(count)(x.map(v => v / temperature)).map(p => Math.log(p))
  return topPDistribution(mass)(kept)
}

/** All on the largest logit, the first of equal ones. */
export const greedyDistribution: Distribution = x => x.map((v, i) => (x.findIndex(other => other === Math.max(...x)) === i && v === x[i] ? 1 : 0))

/** A random permutation holds every number once, and every number is equally likely in every place. */
export const permutations: Law = law({
  name: 'permutation',
  statement: 'each of $0 \\dots n - 1$ occurs once',
  cases: fc.record({ n: fc.integer({ min: 0, max: 20 }), key: arbitrary.keys }),
  check: ({ n, key }) => {
    const order = random.permutation(n)(key)
    return Array.from(order).sort((a, b) => a - b).every((v, i) => v === i) && order.length === n ? holds : fails(`got ${order.join(', ')}`)
  }
})

/** Splitting is deterministic, and different keys give different streams. */
export const splitKeys: Law = law({
  name: 'splitting',
  statement: 'splitting a key twice gives the same keys; the parts differ from each other, from the whole, and in every stream',
  cases: arbitrary.keys,
  check: key => {
    const [a, b] = random.split(key), again = random.split(key)
    if (JSON.stringify([a, b]) !== JSON.stringify(again)) return fails('two splits of one key differ')
    const streams = [key, a, b, random.foldIn(0)(key), random.foldIn(1)(key), ...random.splitMany(4)(a)]
      .map(k => tensor.toArray(random.uniform([4], { precision: 'float64' })(k)).join())
    return new Set(streams).size === streams.length ? holds : fails('two streams are equal')
  }
})
