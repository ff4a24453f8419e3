/**
 * Derivations of how tokens become vectors: the table of the embedding, used once or twice, and positions.
 *
 * @module
 */
import fc from 'fast-check'
import { pipe } from 'fp-ts/lib/function.js'
import { andThenTied, learnedPositions, named, sinusoidalPositions, sinusoidalTable, tensor, tokenEmbedding, unembedding } from 'pullback'
import { derivation } from './derivation.js'
import { axis, defined, given, gradientAt } from './letters.js'
import { asTensor, delta, type Matrix, matrix, plus, product, sum, transposed, vector, type Vector } from './notation.js'

interface Embedding {
  readonly t: Vector
  readonly W: Matrix
  readonly y: Matrix
  readonly dy: Matrix
  readonly dW: Matrix
}

const ids = (t: Vector) => tensor.tokensFromArray([t.length], t)

const tokens = given('t', 'N', 'tokens, each an index of a symbol', {
  entries: ({ V }) => fc.integer({ min: 0, max: V - 1 }), example: (place, { V }) => (2 * place + 1) % V
})

export const embedding = derivation<Embedding>({
  name: 'token embedding', source: 'src/layers/embedding.ts', about: ['tokenEmbedding'], uses: ['linear'],
  introduction: 'A table with one row for each symbol; a token takes its row. A token is discrete and has no gradient.',
  axes: { N: axis('n', 'tokens', { max: 4, example: 3 }), V: axis('v', 'symbols', { max: 4, example: 3 }), D: axis('i j', 'width') },
  letters: {
    t: tokens,
    W: given('W', 'V D', 'table'),
    y: defined('y', 'N D', 'output', String.raw`y_{nj} = W_{t_n j}`, ({ t, W }) => t.map(token => W[token])),
    dy: given('dy', 'N D', 'gradient at the output'),
    dW: gradientAt('dW', 'V D', 'W', 'gradient at the table')
  },
  outputs: [{ value: 'y', gradient: 'dy', library: ({ t, W }) => tokenEmbedding.forward({ weight: asTensor(W) }, ids(t)) }],
  chains: [{
    of: 'dW', library: ({ t, W, dy }) => tokenEmbedding.vjp({ weight: asTensor(W) }, ids(t))[1](asTensor(dy)).params.weight,
    steps: [{
      text: 'The entry $y_{nj}$ is $W_{vi}$ where $?v = t_n$ and $?i = j$, and does not depend on it elsewhere: $\\partial y_{nj}/\\partial W_{vi} = \\delta_{v t_n}\\,\\delta_{ij}$.',
      formula: String.raw`dW_{vi} = \sum_n \sum_j dy_{nj}\,\delta_{v t_n}\,\delta_{ij}`,
      compute: ({ t, W, dy }) => matrix(W.length, W[0].length, (v, i) =>
        sum(t.length, n => sum(W[0].length, j => dy[n][j] * delta(v, t[n]) * delta(i, j))))
    }, {
      text: 'Each row of $dy$ is added to the row of $dW$ that belongs to its token ("scatter-add"). A token that occurs twice receives both; a symbol that does not occur receives zero.',
      formula: String.raw`dW_{v} = \sum_{n\,:\,t_n = v} dy_{n}`,
      compute: ({ t, W, dy }) => matrix(W.length, W[0].length, (v, i) => sum(t.length, n => (t[n] === v ? dy[n][i] : 0)))
    }]
  }],
  claims: [{
    title: 'As a product',
    text: 'A token is a row of zeros with a single one, and the embedding is the product of these rows with the table. Nobody multiplies with zeros, but it shows that the embedding is a linear layer.',
    formulas: [String.raw`y_{nj} = \sum_v \delta_{v t_n}\,W_{vj}`]
  }],
  cost: '$N D$ numbers are copied forward and added backward; no multiplication, whatever the number of symbols.'
})

interface Tied {
  readonly t: Vector
  readonly W: Matrix
  readonly X: Matrix
  readonly Y: Matrix
  readonly dY: Matrix
  readonly dX: Matrix
  readonly dW: Matrix
}

const tiedModel = pipe(tokenEmbedding, named('wte'), andThenTied('wte', unembedding))

export const tiedEmbedding = derivation<Tied>({
  name: 'a table used twice', source: 'src/layer/sharing.ts', uses: ['embedding', 'unembedding', 'tied'],
  introduction: 'In GPT-2 the embedding and the unembedding share one table. Here nothing stands between them; in the model it is the stack of blocks. An untied model has two tables, and each takes one of the two terms below. The page of GPT puts the rest between them.',
  axes: { N: axis('n', 'tokens', { example: 3 }), V: axis('v u', 'symbols', { max: 4 }), D: axis('i', 'width') },
  letters: {
    t: tokens,
    W: given('W', 'V D', 'table'),
    X: defined('X', 'N D', 'embedded tokens', String.raw`X_n = W_{t_n}`, ({ t, W }) => t.map(token => W[token])),
    Y: defined('Y', 'N V', 'scores', String.raw`Y_{nv} = \sum_i X_{ni} W_{vi}`, ({ X, W }) => product(X, transposed(W))),
    dY: given('dY', 'N V', 'gradient at the scores'),
    dX: gradientAt('dX', 'N D', 'X', 'gradient at the embedded tokens'),
    dW: gradientAt('dW', 'V D', 'W', 'gradient at the table')
  },
  outputs: [{ value: 'Y', gradient: 'dY', library: ({ t, W }) => tiedModel.forward({ wte: { weight: asTensor(W) } }, ids(t)) }],
  chains: [{
    of: 'dX',
    steps: [{
      text: 'As for every unembedding.',
      formula: String.raw`dX = dY\,W`,
      compute: ({ W, dY }) => product(dY, W)
    }]
  }, {
    of: 'dW', library: ({ t, W, dY }) => tiedModel.vjp({ wte: { weight: asTensor(W) } }, ids(t))[1](asTensor(dY)).params.wte.weight,
    steps: [{
      text: 'Two uses, two terms: the scatter-add of what reaches the embedded tokens, and the product of the unembedding.',
      formula: String.raw`dW_{vi} = \sum_{n : t_n = v} dX_{ni} + \sum_n dY_{nv}\,X_{ni}`,
      compute: ({ t, X, W, dX, dY }) => matrix(W.length, W[0].length, (v, i) =>
        sum(t.length, n => (t[n] === v ? dX[n][i] : 0)) + sum(t.length, n => dY[n][v] * X[n][i]))
    }, {
      text: 'The first term changes the rows of the tokens that were read, the second those of all symbols.',
      formula: String.raw`dW_{vi} = \sum_{n : t_n = v} \sum_u dY_{nu} W_{ui} + \sum_n dY_{nv}\,W_{t_n i}`,
      compute: ({ t, W, dY }) => {
        const dX = product(dY, W), scattered = matrix(W.length, W[0].length, (v, i) => sum(t.length, n => (t[n] === v ? dX[n][i] : 0)))
        return plus(scattered, product(transposed(dY), t.map(token => W[token])))
      }
    }]
  }]
})

interface Positions {
  readonly x: readonly Matrix[]
  readonly P: Matrix
  readonly y: readonly Matrix[]
  readonly dy: readonly Matrix[]
  readonly dx: readonly Matrix[]
  readonly dP: Matrix
}

const positionsGradient = ({ x, P, dy }: Positions) => learnedPositions.vjp({ weight: asTensor(P) }, asTensor(x))[1](asTensor(dy))

export const positions = derivation<Positions>({
  name: 'learned positions', source: 'src/layers/positions.ts', about: ['learnedPositions'], uses: ['embedding'],
  introduction: 'A row of a table is added at every position, so that a model can tell where a token stands. The table may be longer than the sequences.',
  axes: {
    B: axis('b', 'sequences'), T: axis('t', 'positions of a sequence', { within: 'C' }), D: axis('i j', 'width'),
    C: axis('s', 'positions of the table', { max: 5, example: 3, within: 'T' })
  },
  fits: ({ T, C }) => T <= C,
  letters: {
    x: given('x', 'B T D', 'input'),
    P: given('P', 'C D', 'table'),
    y: defined('y', 'B T D', 'output', String.raw`y_{bti} = x_{bti} + P_{ti}`, ({ x, P }) =>
      x.map(sequence => matrix(sequence.length, P[0].length, (t, i) => sequence[t][i] + P[t][i]))),
    dy: given('dy', 'B T D', 'gradient at the output'),
    dx: gradientAt('dx', 'B T D', 'x', 'gradient at the input'),
    dP: gradientAt('dP', 'C D', 'P', 'gradient at the table')
  },
  outputs: [{ value: 'y', gradient: 'dy', library: ({ x, P }) => learnedPositions.forward({ weight: asTensor(P) }, asTensor(x)) }],
  chains: [{
    of: 'dx', library: c => positionsGradient(c).input,
    steps: [{
      text: 'The table is a constant beside $x$, and the derivative of a sum by one of its terms is 1.',
      formula: 'dx = dy',
      compute: ({ dy }) => dy
    }]
  }, {
    of: 'dP', library: c => positionsGradient(c).params.weight,
    steps: [{
      text: 'Row $s$ of the table is added at position $s$ of every sequence: $\\partial y_{bti}/\\partial P_{sj} = \\delta_{ts}\\,\\delta_{ij}$.',
      formula: String.raw`dP_{sj} = \sum_b \sum_t \sum_i dy_{bti}\,\delta_{ts}\,\delta_{ij}`,
      compute: ({ P, dy }) => matrix(P.length, P[0].length, (s, j) => sum(dy.length, b => sum(dy[b].length, t => sum(P[0].length, i =>
        dy[b][t][i] * delta(t, s) * delta(i, j)))))
    }, {
      text: 'The deltas leave the sum over the sequences. A position $?s \\ge T$ beyond all of them receives zero.',
      formula: String.raw`dP_{sj} = \begin{cases} \sum_b dy_{bsj} & s < T \\ 0 & s \ge T \end{cases}`,
      compute: ({ P, dy }) => matrix(P.length, P[0].length, (s, j) => sum(dy.length, b => (s < dy[b].length ? dy[b][s][j] : 0)))
    }]
  }],
  cost: '$B T D$ additions in both directions.'
})

interface Sinusoidal {
  readonly x: readonly Matrix[]
  readonly omega: Vector
  readonly E: Matrix
  readonly table: Matrix
  readonly y: readonly Matrix[]
  readonly dy: readonly Matrix[]
  readonly dx: readonly Matrix[]
}

export const sinusoidal = derivation<Sinusoidal>({
  name: 'sinusoidal positions', source: 'src/layers/positions.ts', about: ['sinusoidalPositions'], uses: ['positions'],
  introduction: 'In place of a learned table, sines and cosines of the position. There are no parameters. A width that is odd ends with a sine; here it is even, $P$ pairs.',
  axes: {
    B: axis('b', 'sequences'), T: axis('t', 'positions of a sequence', { within: 'C' }), P: axis('i', 'pairs'),
    C: axis('s', 'positions of the table', { max: 5, example: 3 }), '2P': axis('', 'width')
  },
  fits: ({ T, C }) => T < C,
  letters: {
    x: given('x', 'B T 2P', 'input'),
    omega: defined('\\omega', 'P', 'frequencies', String.raw`\omega_i = 10000^{-i/P}`, (_, { P }) => vector(P, i => 10000 ** (-i / P))),
    E: defined('E', 'C 2P', 'table', String.raw`E_{s,2i} = \sin(s\,\omega_i), \qquad E_{s,2i+1} = \cos(s\,\omega_i)`, ({ omega }, { C, P }) =>
      matrix(C, 2 * P, (s, j) => (j % 2 === 0 ? Math.sin(s * omega[j / 2]) : Math.cos(s * omega[(j - 1) / 2])))),
    table: defined('G', 'C 2P', 'the table of the library', '', (_, { C, P }) => {
      const { data } = sinusoidalTable(C, 2 * P, 'float64')
      return matrix(C, 2 * P, (s, j) => data[s * 2 * P + j])
    }),
    y: defined('y', 'B T 2P', 'output', String.raw`y_{b,t,2i} = x_{b,t,2i} + E_{t,2i}, \qquad y_{b,t,2i+1} = x_{b,t,2i+1} + E_{t,2i+1}`, ({ x, E }) =>
      x.map(sequence => matrix(sequence.length, E[0].length, (t, j) => sequence[t][j] + E[t][j]))),
    dy: given('dy', 'B T 2P', 'gradient at the output'),
    dx: gradientAt('dx', 'B T 2P', 'x', 'gradient at the input')
  },
  outputs: [{ value: 'y', gradient: 'dy', library: ({ x }) => sinusoidalPositions.forward({}, asTensor(x)) }],
  chains: [{
    of: 'dx', library: ({ x, dy }) => sinusoidalPositions.vjp({}, asTensor(x))[1](asTensor(dy)).input,
    steps: [{
      text: 'What is added does not depend on $x$.',
      formula: 'dx = dy',
      compute: ({ dy }) => dy
    }]
  }],
  claims: [{
    title: 'One step is a rotation',
    text: 'A sine and the cosine beside it share a frequency. By the addition theorems the pair at the next position is the pair here, turned by an angle that does not depend on where it is: positions that are the same distance apart look the same to a linear layer.',
    formulas: [
      String.raw`E_{t+1,2i} = E_{t,2i} \cos \omega_i + E_{t,2i+1} \sin \omega_i`,
      String.raw`E_{t+1,2i+1} = E_{t,2i+1} \cos \omega_i - E_{t,2i} \sin \omega_i`
    ]
  }, {
    title: 'The same table', text: 'The library makes the table once for all sequences. The frequencies fall from 1, by a constant factor from pair to pair.', formulas: [String.raw`G = E, \qquad \omega_0 = 1`]
  }],
  cost: 'One addition for each entry, and the table, which is the same for all sequences.'
})
