/**
 * The derivation of the probe.
 *
 * @module
 */
import { probe as probeLayer } from 'pullback'
import { derivation } from './derivation.js'
import { axis, defined, given, gradientAt } from './letters.js'
import { asTensor, delta, matrix, type Matrix, sum, vector, type Vector } from './notation.js'

interface Probe {
  readonly x: Matrix
  readonly r: Vector
  readonly y: Matrix
  readonly dy: Matrix
  readonly dx: Matrix
  readonly dr: Vector
}

const gradient = ({ x, r, dy }: Probe) => probeLayer.vjp(asTensor(r), asTensor(x))[1](asTensor(dy))

export const probe = derivation<Probe>({
  name: 'probe', source: 'src/layers/probe.ts', about: ['probe'], uses: ['linear'],
  introduction: 'A row is added at every position. With $?r = 0$ nothing changes, and $dr$ tells how the loss would change with the activation where the probe stands; with another $r$ the probe steers what follows.',
  axes: { N: axis('n m', 'rows', { max: 3 }), D: axis('i j', 'width', { max: 4, example: 2 }) },
  letters: {
    x: given('x', 'N D', 'input'),
    r: given('r', 'D', 'what is added'),
    y: defined('y', 'N D', 'output', 'y_{ni} = x_{ni} + r_i', ({ x, r }) => x.map(row => row.map((v, i) => v + r[i]))),
    dy: given('dy', 'N D', 'gradient at the output'),
    dx: gradientAt('dx', 'N D', 'x', 'gradient at the input'),
    dr: gradientAt('dr', 'D', 'r', 'gradient at what is added')
  },
  outputs: [{ value: 'y', gradient: 'dy', library: ({ x, r }) => probeLayer.forward(asTensor(r), asTensor(x)) }],
  chains: [{
    of: 'dx', library: c => gradient(c).input,
    steps: [{
      text: 'What is added is a constant beside $x$: $\\partial y_{ni}/\\partial x_{mj} = \\delta_{nm}\\,\\delta_{ij}$.',
      formula: String.raw`dx_{mj} = \sum_n \sum_i dy_{ni}\,\delta_{nm}\,\delta_{ij}`,
      compute: ({ x, dy }) => matrix(x.length, x[0].length, (m, j) => sum(x.length, n => sum(x[0].length, i => dy[n][i] * delta(n, m) * delta(i, j))))
    }, {
      text: 'The deltas leave one term.',
      formula: 'dx = dy',
      compute: ({ dy }) => dy
    }]
  }, {
    of: 'dr', library: c => gradient(c).params,
    steps: [{
      text: 'It is added in every row: $\\partial y_{ni}/\\partial r_j = \\delta_{ij}$.',
      formula: String.raw`dr_j = \sum_n \sum_i dy_{ni}\,\delta_{ij}`,
      compute: ({ r, dy }) => vector(r.length, j => sum(dy.length, n => sum(r.length, i => dy[n][i] * delta(i, j))))
    }, {
      text: 'The delta leaves the sum over the rows.',
      formula: String.raw`dr_j = \sum_n dy_{nj}`,
      compute: ({ r, dy }) => vector(r.length, j => sum(dy.length, n => dy[n][j]))
    }]
  }],
  cost: '$N D$ additions in both directions.'
})
