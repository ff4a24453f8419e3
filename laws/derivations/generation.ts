/**
 * Why text is generated as it is: how the next token is chosen, and what a cache may keep.
 *
 * @module
 */
import fc from 'fast-check'
import { pipe } from 'fp-ts/lib/function.js'
import { attention, block, causalMask, initBlock, random, softmax, topK, topP, withTemperature, type Tensor } from 'pullback'
import { real } from './cases.js'
import { derivation } from './derivation.js'
import { axis, defined, given } from './letters.js'
import { asTensor, type Matrix, matrixOf, sum, vector, type Vector, vectorOf } from './notation.js'

interface Sampling {
  readonly x: Vector
  readonly p: Vector
  readonly tau: number
  readonly t: Vector
  readonly k: number
  readonly r: Vector
  readonly q: Vector
  readonly m: number
  readonly c: Vector
  readonly u: Vector
  readonly a: Vector
  readonly b: Vector
  readonly tByLibrary: Vector
  readonly qByLibrary: Vector
  readonly uByLibrary: Vector
  readonly first: number
  readonly second: number
}

const normalised = (weights: Vector): Vector => weights.map(w => w / sum(weights.length, j => weights[j]))

const probabilities = (logits: Tensor): Vector => vectorOf(softmax.forward({}, logits))

/** How many of three tokens with the probabilities 0.5, 0.3 and 0.2 a filter leaves. */
const left = (filter: (logits: Tensor) => Tensor): number =>
  probabilities(filter(asTensor([0.5, 0.3, 0.2].map(Math.log)))).filter(v => v > 0).length

export const sampling = derivation<Sampling>({
  name: 'choosing the next token', source: 'src/training/sampling.ts', about: ['withTemperature', 'topK', 'topP', 'sampler'], uses: ['softmax'],
  introduction: 'A model gives a score for every symbol; the softmax makes probabilities of them. Filters change the scores before one symbol is drawn.',
  axes: { V: axis('i j l', 'symbols', { max: 5, example: 3 }) },
  letters: {
    x: given('x', 'V', 'scores', { entries: fc.integer({ min: -12, max: 12 }).map(k => k / 4) }),
    p: defined('p', 'V', 'probabilities', String.raw`p_i = \frac{e^{x_i}}{\sum_j e^{x_j}}`, ({ x }) => normalised(x.map(Math.exp))),
    tau: given('\\tau', '', 'temperature', { entries: fc.constantFrom(0.5, 1, 2), example: () => 0.5 }),
    t: defined('t', 'V', 'probabilities at the temperature', String.raw`t_i = \frac{e^{x_i/\tau}}{\sum_j e^{x_j/\tau}}`, ({ x, tau }) => normalised(x.map(v => Math.exp(v / tau)))),
    k: given('k', '', 'how many symbols top-k leaves', { entries: fc.integer({ min: 1, max: 4 }), example: () => 2 }),
    r: defined('r', 'V', 'rank: how many symbols come before, by score, then by index', String.raw`r_i = \sum_j \big([x_j > x_i] + [x_j = x_i]\,[j < i]\big)`, ({ x }) =>
      x.map((xi, i) => x.filter((xj, j) => xj > xi || (xj === xi && j < i)).length)),
    q: defined('q', 'V', 'probabilities after top-k', String.raw`q_i = \frac{p_i\,[r_i < k]}{\sum_j p_j\,[r_j < k]}`, ({ p, r, k }) => normalised(p.map((v, i) => (r[i] < k ? v : 0)))),
    m: given('m', '', 'the mass that top-p leaves, $m < 1$', { entries: fc.integer({ min: 1, max: 99 }).map(v => v / 99.37), example: () => 0.8 }),
    c: defined('c', 'V', 'the mass of what comes before', String.raw`c_i = \sum_j p_j\,[r_j < r_i]`, ({ p, r }) => p.map((_, i) => sum(p.length, j => (r[j] < r[i] ? p[j] : 0)))),
    u: defined('u', 'V', 'probabilities after top-p', String.raw`u_i = \frac{p_i\,[c_i < m]}{\sum_j p_j\,[c_j < m]}`, ({ p, c, m }) => normalised(p.map((v, i) => (c[i] < m ? v : 0)))),
    a: defined('a', 'V', 'whether a symbol is left by top-k and then top-p', String.raw`a_i = \Big[\sum_j q_j\,[r_j < r_i] < m\Big]`, ({ q, r, m }) =>
      q.map((_, i) => Number(sum(q.length, j => (r[j] < r[i] ? q[j] : 0)) < m))),
    b: defined('b', 'V', 'whether it is left by top-p and then top-k', String.raw`b_i = [c_i < m]\,[r_i < k]`, ({ c, r, k, m }) => c.map((v, i) => Number(v < m && r[i] < k))),
    tByLibrary: defined('T', 'V', 'the library: temperature', '', ({ x, tau }) => probabilities(withTemperature(tau)(asTensor(x)))),
    qByLibrary: defined('Q', 'V', 'the library: top-k', '', ({ x, k }) => probabilities(topK(k)(asTensor(x)))),
    uByLibrary: defined('U', 'V', 'the library: top-p', '', ({ x, m }) => probabilities(topP(m)(asTensor(x)))),
    first: defined('f', '', 'how many of the probabilities 0.5, 0.3, 0.2 the library leaves with top-k of 2, then top-p of 0.6', '', () => left(x => pipe(x, topK(2), topP(0.6)))),
    second: defined('g', '', 'and in the other order', '', () => left(x => pipe(x, topP(0.6), topK(2))))
  },
  claims: [{
    title: 'Temperature',
    text: 'Dividing the scores by $\\tau$ raises every probability to the power $1/\\tau$ and makes the sum 1 again: below 1 the likely becomes likelier.',
    formulas: [String.raw`t_i = \frac{p_i^{1/\tau}}{\sum_j p_j^{1/\tau}}, \qquad T = t`]
  }, {
    title: 'Top-k and top-p are conditions',
    text: 'A symbol that is forbidden gets the score −∞ and so the probability 0 exactly; the others keep their proportions. That is the distribution under the condition that the symbol is among those left: the $k$ likeliest, or the fewest likeliest that have at least the mass $m$ together.',
    formulas: [String.raw`Q = q, \qquad U = u, \qquad q_i\,p_j\,[r_j < k] = q_j\,p_i\,[r_i < k], \qquad \sum_i p_i\,[c_i < m] \ge m`]
  }, {
    title: 'The order matters',
    text: 'After top-k the probabilities of what is left are larger, so fewer of them reach the mass. Top-k first never leaves more than top-p first, and sometimes less: of the probabilities 0.5, 0.3 and 0.2 the first two become 0.625 and 0.375, and one of them has the mass 0.6, where it took two before. `sampler` takes temperature, then top-k, then top-p.',
    formulas: [String.raw`a_i \le b_i, \qquad f = 1, \qquad g = 2`]
  }],
  cost: 'For top-k and top-p the library takes the likeliest scores from a heap, one after the other, until there are enough: of order $V + k \\ln V$ comparisons for $?k$ of them, where sorting all takes $V \\ln V$.'
})

interface Cache {
  readonly Q: Matrix
  readonly K: Matrix
  readonly V: Matrix
  readonly Y: Matrix
  readonly P: Matrix
  readonly a: Vector
  readonly y: Vector
  readonly seed: number
  readonly X: Matrix
  readonly A: Matrix
  readonly B: Matrix
}

const WIDTH = 4

const attended = (Q: Matrix, K: Matrix, V: Matrix): Matrix =>
  matrixOf(attention(causalMask).forward({}, { query: asTensor(Q), key: asTensor(K), value: asTensor(V) }))

/** Two blocks with parameters drawn by a seed. */
const blocks = (seed: number, x: Matrix): Matrix => {
  const layer = block({ heads: 2, mask: causalMask }), draws = random.replicate(2, initBlock({ width: WIDTH, layers: 2 }, { precision: 'float64' }))(random.key(seed))
  return matrixOf(draws.reduce((h, params) => layer.forward(params, h), asTensor(x)))
}

export const cache = derivation<Cache>({
  name: 'the cache of keys and values', source: 'src/layers/attention.ts', uses: ['attention', 'mask', 'block'],
  introduction: 'A model that has read $T$ tokens reads one more. Of everything it computed, what must be computed anew? Nothing, as long as the mask is causal and no token changes its position.',
  axes: {
    T: axis('t', 'tokens that have been read', { max: 4, example: 2 }), d: axis('j', 'width of a head'), D: axis('i', 'width', { min: WIDTH, max: WIDTH, example: WIDTH }),
    'T+1': axis('s r', 'these and the new one')
  },
  letters: {
    Q: given('Q', 'T+1 d', 'queries'),
    K: given('K', 'T+1 d', 'keys'),
    V: given('V', 'T+1 d', 'values'),
    Y: defined('Y', 'T+1 d', 'causal attention over all tokens, from the library', '', ({ Q, K, V }) => attended(Q, K, V)),
    P: defined('P', 'T d', 'the same over the first $T$ tokens', '', ({ Q, K, V }) => attended(Q.slice(0, -1), K.slice(0, -1), V.slice(0, -1))),
    a: defined('a', 'T+1', 'weights of the new query', String.raw`a_s = \frac{e^{\sum_j Q_{T,j} K_{sj}/\sqrt d}}{\sum_r e^{\sum_j Q_{T,j} K_{rj}/\sqrt d}}`, ({ Q, K }) => {
      const scores = K.map(key => Math.exp(sum(key.length, j => Q[Q.length - 1][j] * key[j]) / Math.sqrt(key.length)))
      return scores.map(v => v / sum(scores.length, r => scores[r]))
    }),
    y: defined('y', 'd', 'what it attends to', String.raw`y_j = \sum_s a_s V_{sj}`, ({ a, V }) => vector(V[0].length, j => sum(V.length, s => a[s] * V[s][j]))),
    seed: given('w', '', 'seed of the parameters of two blocks', { entries: fc.nat(100), example: () => 1 }),
    X: given('X', 'T+1 D', 'input of the blocks', { entries: real(2) }),
    A: defined('A', 'T+1 D', 'output of the blocks for all tokens, from the library', '', ({ seed, X }) => blocks(seed, X)),
    B: defined('B', 'T D', 'output for the first $T$ tokens', '', ({ seed, X }) => blocks(seed, X.slice(0, -1)))
  },
  claims: [{
    title: 'One layer of attention',
    text: 'No query before the new one sees the new key, so nothing that was computed changes. The new row needs its own query, and the keys and values of all tokens.',
    formulas: [String.raw`Y_{tj} = P_{tj}, \qquad Y_{T,j} = y_j`]
  }, {
    title: 'By induction, all of them',
    text: 'Everything else in a block works on each position alone. So if the input of a block does not change at the old positions, neither do its keys, values and output there; and its output is the input of the next block. At the first block the input is the embedded tokens. Hence it suffices to keep the keys and values of every block.',
    formulas: [String.raw`A_{ti} = B_{ti}`]
  }, {
    title: 'When the window slides',
    text: 'With learned positions, dropping the first token gives every other token another position, so no key that was kept is right any more: the window is read anew.',
    formulas: []
  }],
  cost: 'One more token costs one row of every product, of order $D^2$, and $T D$ for its attention. Without a cache both would be $T$ times as much.'
})

