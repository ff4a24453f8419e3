/**
 * Derivations of what a sequence passes on its way into a transformer: embedding, positions, dropout.
 *
 * @module
 */
import fc from 'fast-check'
import {
  dropout as dropoutLayer, type Key, learnedPositions, random, sinusoidalPositions, tensor, tokenEmbedding
} from 'pullback'
import { matrices, size, vectors } from './cases.js'
import { derivation, numericGradient } from './derivation.js'
import { asTensor, delta, type Matrix, matrix, numbers, sum, vector, type Vector } from './notation.js'

interface TokensCase {
  readonly t: Vector
  readonly W: Matrix
  readonly dy: Matrix
}

const embeddingOf = ({ t, W }: TokensCase): Matrix => t.map(token => W[token])

const ids = ({ t }: TokensCase) => tensor.tokensFromArray([t.length], t)

export const embedding = derivation<TokensCase>({
  name: 'token embedding', source: 'src/layers/embedding.ts',
  introduction: 'A table with one row for each symbol. Shapes: tokens $t$ `[N]`, $W$ `[V, D]`, $y$ `[N, D]`. A token is discrete and has no gradient.',
  definition: {
    formula: String.raw`y_{nj} = W_{t_n j}`,
    compute: embeddingOf, library: c => numbers(tokenEmbedding.forward({ weight: asTensor(c.W) }, ids(c)))
  },
  cases: fc.tuple(size(4), size(4), size(3)).chain(([n, v, d]) => fc.record({
    t: fc.array(fc.integer({ min: 0, max: v - 1 }), { minLength: n, maxLength: n }), W: matrices(v, d), dy: matrices(n, d)
  })),
  chains: [{
    quantity: 'dW', numeric: numericGradient(embeddingOf, 'W'),
    library: c => numbers(tokenEmbedding.vjp({ weight: asTensor(c.W) }, ids(c))[1](asTensor(c.dy)).params.weight),
    steps: [{
      text: 'The entry $y_{nj}$ is $W_{vi}$ where $v = t_n$ and $i = j$, and does not depend on it elsewhere: $\\partial y_{nj}/\\partial W_{vi} = \\delta_{v t_n}\\,\\delta_{ij}$.',
      formula: String.raw`dW_{vi} = \sum_n \sum_j dy_{nj}\,\delta_{v t_n}\,\delta_{ij}`,
      compute: ({ t, W, dy }) => matrix(W.length, W[0].length, (v, i) =>
        sum(t.length, n => sum(W[0].length, j => dy[n][j] * delta(v, t[n]) * delta(i, j))))
    }, {
      text: 'Each row of $dy$ is added to the row of $dW$ that it was read from. A token that occurs twice receives both; one that does not occur receives zero.',
      formula: String.raw`dW_{v} = \sum_{n\,:\,t_n = v} dy_{n}`,
      compute: ({ t, W, dy }) => matrix(W.length, W[0].length, (v, i) => sum(t.length, n => (t[n] === v ? dy[n][i] : 0)))
    }]
  }]
})

interface PositionsCase {
  readonly x: readonly Matrix[]
  readonly P: Matrix
  readonly dy: readonly Matrix[]
}

const positionsOf = ({ x, P }: PositionsCase): readonly Matrix[] =>
  x.map(sequence => matrix(sequence.length, P[0].length, (t, i) => sequence[t][i] + P[t][i]))

const positionsGradient = ({ x, P, dy }: PositionsCase) => learnedPositions.vjp({ weight: asTensor(P) }, asTensor(x))[1](asTensor(dy))

export const positions = derivation<PositionsCase>({
  name: 'learned positions', source: 'src/layers/positions.ts',
  introduction: 'A row of a table is added at every position. Shapes: $x$ and $y$ `[B, T, D]`, $P$ `[C, D]` with $T \\le C$.',
  definition: {
    formula: String.raw`y_{bti} = x_{bti} + P_{ti}`,
    compute: positionsOf, library: ({ x, P }) => numbers(learnedPositions.forward({ weight: asTensor(P) }, asTensor(x)))
  },
  cases: fc.tuple(size(3), size(3), size(2), size(2, 0)).chain(([b, t, d, more]) => fc.record({
    x: fc.array(matrices(t, d), { minLength: b, maxLength: b }), P: matrices(t + more, d),
    dy: fc.array(matrices(t, d), { minLength: b, maxLength: b })
  })),
  chains: [{
    quantity: 'dx', numeric: numericGradient(positionsOf, 'x'), library: c => numbers(positionsGradient(c).input),
    steps: [{
      text: 'The table is a constant beside $x$, and the derivative of a sum by one of its terms is 1.',
      formula: String.raw`dx = dy`,
      compute: ({ dy }) => dy
    }]
  }, {
    quantity: 'dP', numeric: numericGradient(positionsOf, 'P'), library: c => numbers(positionsGradient(c).params.weight),
    steps: [{
      text: 'Row $s$ of the table is added at position $s$ of every sequence: $\\partial y_{bti}/\\partial P_{sj} = \\delta_{ts}\\,\\delta_{ij}$.',
      formula: String.raw`dP_{sj} = \sum_b \sum_t \sum_i dy_{bti}\,\delta_{ts}\,\delta_{ij}`,
      compute: ({ P, dy }) => matrix(P.length, P[0].length, (s, j) => sum(dy.length, b => sum(dy[b].length, t => sum(P[0].length, i =>
        dy[b][t][i] * delta(t, s) * delta(i, j)))))
    }, {
      text: 'The deltas leave the sum over the sequences. A position $s \\ge T$ beyond all of them receives zero.',
      formula: String.raw`dP_s = \begin{cases} \sum_b dy_{bs} & s < T \\ 0 & s \ge T \end{cases}`,
      compute: ({ P, dy }) => matrix(P.length, P[0].length, (s, j) => sum(dy.length, b => (s < dy[b].length ? dy[b][s][j] : 0)))
    }]
  }]
})

const sinusoidalOf = ({ x }: Omit<PositionsCase, 'P'>): readonly Matrix[] => x.map(sequence => {
  const D = sequence[0].length
  return matrix(sequence.length, D, (t, j) => {
    const angle = t / 10000 ** (2 * Math.floor(j / 2) / D)
    return sequence[t][j] + (j % 2 === 0 ? Math.sin(angle) : Math.cos(angle))
  })
})

export const sinusoidal = derivation<Omit<PositionsCase, 'P'>>({
  name: 'sinusoidal positions', source: 'src/layers/positions.ts',
  introduction: 'Sines and cosines of the position are added. Shapes: $x$ and $y$ `[B, T, D]`. There are no parameters.',
  definition: {
    formula: String.raw`y_{bt,2i} = x_{bt,2i} + \sin\frac{t}{10000^{2i/D}}, \qquad y_{bt,2i+1} = x_{bt,2i+1} + \cos\frac{t}{10000^{2i/D}}`,
    compute: sinusoidalOf, library: ({ x }) => numbers(sinusoidalPositions.forward({}, asTensor(x)))
  },
  cases: fc.tuple(size(2), size(3), size(4)).chain(([b, t, d]) => fc.record({
    x: fc.array(matrices(t, d), { minLength: b, maxLength: b }), dy: fc.array(matrices(t, d), { minLength: b, maxLength: b })
  })),
  chains: [{
    quantity: 'dx', numeric: numericGradient(sinusoidalOf, 'x'),
    library: ({ x, dy }) => numbers(sinusoidalPositions.vjp({}, asTensor(x))[1](asTensor(dy)).input),
    steps: [{
      text: 'What is added does not depend on $x$.',
      formula: String.raw`dx = dy`,
      compute: ({ dy }) => dy
    }]
  }]
})

interface DropoutCase {
  readonly x: Vector
  readonly rate: number
  readonly key: Key
  readonly dy: Vector
}

/** $m_i$, from the key as the library draws it. */
const kept = ({ x, rate, key }: DropoutCase): Vector =>
  numbers(random.uniform([x.length], { precision: 'float64' })(key)).map(u => (u < rate ? 0 : 1))

const dropoutOf = (c: DropoutCase): Vector => {
  const m = kept(c)
  return vector(c.x.length, i => m[i] / (1 - c.rate) * c.x[i])
}

export const dropout = derivation<DropoutCase>({
  name: 'dropout', source: 'src/layers/dropout.ts',
  introduction: 'Each entry is kept, with $m_i = 1$, or dropped, with $m_i = 0$, as the key says; what is kept is scaled so that the mean stays. Shapes: any. For a given key $m$ is a constant.',
  definition: {
    formula: String.raw`y_i = \frac{m_i}{1 - p}\,x_i`,
    compute: dropoutOf, library: ({ x, rate, key }) => numbers(dropoutLayer(rate, key).forward({}, asTensor(x)))
  },
  cases: size(5).chain(n => fc.record({ x: vectors(n), rate: fc.constantFrom(0, 0.25, 0.5), key: fc.nat().map(random.key), dy: vectors(n) })),
  chains: [{
    quantity: 'dx_i', numeric: numericGradient(dropoutOf, 'x'),
    library: ({ x, rate, key, dy }) => numbers(dropoutLayer(rate, key).vjp({}, asTensor(x))[1](asTensor(dy)).input),
    steps: [{
      text: 'Every entry is multiplied with a constant, and so is its gradient.',
      formula: String.raw`dx_i = \frac{m_i}{1 - p}\,dy_i`,
      compute: c => {
        const m = kept(c)
        return vector(c.x.length, i => m[i] / (1 - c.rate) * c.dy[i])
      }
    }]
  }]
})
