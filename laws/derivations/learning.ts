/**
 * Why weights begin as they do, and how they move: initialisers, optimisers, clipping, schedules.
 *
 * @module
 */
import fc from 'fast-check'
import {
  adamW, clipByGlobalNorm, gradientDescent, linearSchedule, momentum as momentumOf, random, warmupCosine, type Initializer, type Optimizer
} from 'pullback'
import { real } from './cases.js'
import { derivation } from './derivation.js'
import { axis, chance, defined, given, numeric } from './letters.js'
import { asTensor, type Matrix, matrixOf, sum, vector, type Vector, vectorOf } from './notation.js'

interface Initialisation {
  readonly x: Vector
  readonly dy: Vector
  readonly sigma: number
  readonly W: Matrix
  readonly y: Vector
  readonly dx: Vector
  readonly z: Vector
  readonly seed: number
  readonly U: Matrix
  readonly N: Matrix
  readonly xavierU: Matrix
  readonly xavierN: Matrix
  readonly heU: Matrix
  readonly heN: Matrix
  readonly gpt: Matrix
  readonly gptResidual: Matrix
  readonly b: number
  readonly L: number
}

const drawn = (initializer: Initializer, { I, O }: { readonly [size: string]: number }, seed: number): Matrix =>
  matrixOf(initializer(I, O, 'float64')(random.key(seed)))

const uniformOf = ({ I, O }: { readonly [size: string]: number }, seed: number): Matrix => matrixOf(random.uniform([I, O], { precision: 'float64' })(random.key(seed)))

const normalOf = ({ I, O }: { readonly [size: string]: number }, seed: number): Matrix => matrixOf(random.normal([I, O], { precision: 'float64' })(random.key(seed)))

export const initialisation = derivation<Initialisation>({
  name: 'initial weights', source: 'src/random/initializers.ts',
  about: ['xavierUniform', 'xavierNormal', 'heUniform', 'heNormal', 'gpt2Normal', 'gpt2Residual'], uses: ['linear', 'relu', 'residual'],
  introduction: 'A signal that passes many layers should neither die out nor explode, and neither should its gradient. The weights are drawn independently, with mean 0; the question is their variance. A weight of two values, $\\sigma$ and $-\\sigma$, is as good for it as any other, and here the mean over all of them can be taken exactly.',
  axes: { I: axis('i', 'inputs of a layer', { max: 2, example: 2 }), O: axis('j', 'outputs of a layer', { max: 2, example: 2 }) },
  functions: { relu: numeric('\\mathrm{relu}', 'u', 'the rectifier', String.raw`\max(0, u)`, u => Math.max(0, u)) },
  letters: {
    x: given('x', 'I', 'input'),
    dy: given('dy', 'O', 'gradient at the output'),
    sigma: given('\\sigma', '', 'deviation of a weight', { entries: real(1).map(v => Math.abs(v) + 0.1), example: () => 0.5 }),
    W: chance('W', 'I O', 'weight', ({ sigma }) => [[-sigma, 0.5], [sigma, 0.5]]),
    y: defined('y', 'O', 'output', String.raw`y_j = \sum_i x_i W_{ij}`, ({ x, W }) => vector(W[0].length, j => sum(x.length, i => x[i] * W[i][j]))),
    dx: defined('dx', 'I', 'gradient at the input', String.raw`dx_i = \sum_j W_{ij}\,dy_j`, ({ W, dy }) => W.map(row => sum(dy.length, j => row[j] * dy[j]))),
    z: chance('z', 'I', 'an input by chance, as likely positive as negative', () => [[-2, 0.25], [-1, 0.25], [1, 0.25], [2, 0.25]]),
    L: given('L', '', 'number of blocks', { entries: fc.integer({ min: 1, max: 12 }), example: () => 12 }),
    seed: given('s', '', 'seed of a key', { entries: fc.nat(1000), example: () => 1 }),
    U: defined('U', 'I O', 'uniform numbers in [0, 1) of that key, from the library', '', ({ seed }, sizes) => uniformOf(sizes, seed)),
    N: defined('N', 'I O', 'normal numbers of that key, from the library', '', ({ seed }, sizes) => normalOf(sizes, seed)),
    b: defined('b', '', 'bound of Glorot and Bengio', String.raw`b = \sqrt{6/(I + O)}`, (_, { I, O }) => Math.sqrt(6 / (I + O))),
    xavierU: defined('X', 'I O', '`xavierUniform` with that key', '', ({ seed }, sizes) => drawn(random.xavierUniform, sizes, seed)),
    xavierN: defined('Y', 'I O', '`xavierNormal`', '', ({ seed }, sizes) => drawn(random.xavierNormal, sizes, seed)),
    heU: defined('H', 'I O', '`heUniform`', '', ({ seed }, sizes) => drawn(random.heUniform, sizes, seed)),
    heN: defined('K', 'I O', '`heNormal`', '', ({ seed }, sizes) => drawn(random.heNormal, sizes, seed)),
    gpt: defined('G', 'I O', '`gpt2Normal`', '', ({ seed }, sizes) => drawn(random.gpt2Normal, sizes, seed)),
    gptResidual: defined('R', 'I O', '`gpt2Residual` for $L$ blocks', '', ({ seed, L }, sizes) => drawn(random.gpt2Residual(L), sizes, seed))
  },
  claims: [{
    title: 'Forwards',
    text: 'An output is a sum of independent terms with mean 0, so its variance is the sum of theirs. If the inputs have mean squares of 1, a sum of $I$ of them makes $I \\sigma^2$: the signal keeps its size for $?\\sigma^2 = 1/I$.',
    formulas: [String.raw`\mathbb E[y_j] = 0, \qquad \mathrm{Var}[y_j] = \sigma^2 \sum_i x_i^2`]
  }, {
    title: 'Backwards',
    text: 'The gradient passes the same weights the other way and sums over the outputs. It keeps its size for $?\\sigma^2 = 1/O$.',
    formulas: [String.raw`\mathbb E[dx_i] = 0, \qquad \mathrm{Var}[dx_i] = \sigma^2 \sum_j dy_j^2`]
  }, {
    title: 'Between the two: Glorot and Bengio',
    text: 'Both at once is possible only for $?I = O$; otherwise $?\\sigma^2 = 2/(I + O)$ lies between. A uniform number between $-b$ and $b$ has the variance $b^2/3$, which gives the bound. The argument needs an activation that is symmetric with slope 1 at 0, as tanh; the sigmoid is neither.',
    formulas: [String.raw`X_{ij} = b\,(2 U_{ij} - 1), \qquad \frac{b^2}{3} = \frac{2}{I + O}, \qquad Y_{ij} = \sqrt{2/(I + O)}\,N_{ij}`]
  }, {
    title: 'The half of the rectifier: He',
    text: 'A relu sets the negative half of its inputs to 0. Of an input that is as likely positive as negative half of the mean square remains, so the variance must be twice as large, $2/I$.',
    formulas: [
      String.raw`\mathbb E[\mathrm{relu}(z_i)^2] = \frac12\,\mathbb E[z_i^2]`,
      String.raw`H_{ij} = \sqrt{6/I}\,(2 U_{ij} - 1), \qquad K_{ij} = \sqrt{2/I}\,N_{ij}`
    ]
  }, {
    title: 'GPT-2',
    text: 'GPT-2 draws every weight with the deviation 0.02, whatever the width: the layer norms bring signals back to their size. What must not grow is the residual stream, a sum of two branches for each of $L$ blocks. If each contributes the same variance, $2L$ of them make $2L$ times as much, so the last projection of a branch is drawn smaller by $\\sqrt{2L}$. (The paper says so, § 2.3; the code that was published with it has no such factor, and draws positions with 0.01.)',
    formulas: [String.raw`G_{ij} = 0.02\,N_{ij}, \qquad R_{ij} = \frac{0.02}{\sqrt{2L}}\,N_{ij}, \qquad 2L\,R_{ij}^2 = G_{ij}^2`]
  }],
  cost: 'Weights are drawn once.'
})

interface Momentum {
  readonly g: Matrix
  readonly a: Vector
  readonly eta: number
  readonly mu: number
  readonly u: Matrix
  readonly theta: Matrix
  readonly p: Matrix
  readonly byDescent: Matrix
  readonly byMomentum: Matrix
}

/** The parameters after every step of an optimiser, the first ones included. */
const trajectory = <S extends string>(optimizer: Optimizer<S>, start: Vector, gradients: Matrix): Matrix => {
  const first = { params: { w: asTensor(start) }, state: optimizer.init({ w: asTensor(start) }) }
  const all = gradients.reduce<readonly (typeof first)[]>((steps, g) => {
    const { params, state } = steps[steps.length - 1]
    return [...steps, optimizer.step(params, { w: asTensor(g) }, state)]
  }, [first])
  return all.map(({ params }) => vectorOf(params.w))
}

const stepAxes = { S: axis('s', 'steps', { example: 3 }), N: axis('i', 'parameters'), 'S+1': axis('', 'states, one more than steps') }

const rate = given('\\eta', '', 'learning rate', { entries: real(1).map(v => Math.abs(v) / 8 + 0.01), example: () => 0.1 })

export const momentum = derivation<Momentum>({
  name: 'gradient descent and momentum', source: 'src/optimizers/gradientDescent.ts', about: ['gradientDescent', 'momentum'], uses: ['conventions'],
  introduction: 'To first order the loss changes along a step by the product of gradient and step, so the steepest way down is against the gradient. Momentum goes on in the direction of the steps before. The gradient of step $s$ is $g_s$; on this page the gradients are simply given.',
  axes: stepAxes, counters: ['k'],
  letters: {
    g: given('g', 'S N', 'gradients'),
    a: given('a', 'N', 'first parameters'),
    eta: rate,
    mu: given('\\mu', '', 'momentum', { entries: fc.constantFrom(0, 0.5, 0.9), example: () => 0.5 }),
    p: defined('p', 'S+1 N', 'parameters of plain descent', String.raw`p_0 = a, \qquad p_{s+1} = p_s - \eta\,g_s`, ({ g, a, eta }) =>
      g.reduce<Matrix>((states, gs) => [...states, states[states.length - 1].map((v, i) => v - eta * gs[i])], [a])),
    u: defined('u', 'S+1 N', 'velocities', String.raw`u_{0,i} = 0, \qquad u_{s+1} = \mu\,u_s + g_s`, ({ g, a, mu }) =>
      g.reduce<Matrix>((states, gs) => [...states, states[states.length - 1].map((v, i) => mu * v + gs[i])], [a.map(() => 0)])),
    theta: defined('\\theta', 'S+1 N', 'parameters with momentum', String.raw`\theta_0 = a, \qquad \theta_{s+1} = \theta_s - \eta\,u_{s+1}`, ({ g, a, eta, u }) =>
      g.reduce<Matrix>((states, _, s) => [...states, states[s].map((v, i) => v - eta * u[s + 1][i])], [a])),
    byDescent: defined('D', 'S+1 N', 'parameters of the library, plain', '', ({ g, a, eta }) => trajectory(gradientDescent({ learningRate: eta }), a, g)),
    byMomentum: defined('M', 'S+1 N', 'parameters of the library, with momentum', '', ({ g, a, eta, mu }) => trajectory(momentumOf({ learningRate: eta, momentum: mu }), a, g))
  },
  claims: [{
    title: 'The library', text: 'It takes the same steps.', formulas: ['D = p, \\qquad M = \\theta']
  }, {
    title: 'A geometric sum',
    text: 'Unrolled, the velocity is a sum of all gradients, each weighted with a power of $\\mu$: a gradient is forgotten at a constant rate. If all gradients were the same, the velocity would approach $1/(1 - \\mu)$ times one of them: with 0.9, ten times the step.',
    formulas: [String.raw`u_{s+1,i} = \sum_{k=0}^{s} \mu^{s-k}\,g_{k,i}, \qquad (1 - \mu) \sum_{k=0}^{s} \mu^k = 1 - \mu^{s+1}`]
  }],
  cost: 'Two or four operations for each parameter and step; momentum keeps one more number for each parameter.'
})

interface Adam {
  readonly g: Matrix
  readonly a: Vector
  readonly eta: number
  readonly beta1: number
  readonly beta2: number
  readonly epsilon: number
  readonly lambda: number
  readonly m: Matrix
  readonly v: Matrix
  readonly mHat: Matrix
  readonly vHat: Matrix
  readonly theta: Matrix
  readonly byLibrary: Matrix
  readonly c: number
  readonly n: Matrix
  readonly w: Matrix
  readonly h: Matrix
  readonly r: Matrix
}

const moment = (beta: number, values: Matrix, width: number): Matrix =>
  values.reduce<Matrix>((states, vs) => [...states, states[states.length - 1].map((m, i) => beta * m + (1 - beta) * vs[i])], [vector(width, () => 0)])

const squares = (values: Matrix): Matrix => values.map(row => row.map(v => v * v))

export const adam = derivation<Adam>({
  name: 'Adam', source: 'src/optimizers/adam.ts', about: ['adam', 'adamW', 'decayMatrices'], uses: ['momentum'],
  introduction: 'Every parameter has a step of its own: the mean of its gradients over the root of the mean of their squares. Both are running means that forget, and both begin with 0, which is corrected. Decay draws every parameter towards 0.',
  axes: stepAxes, counters: ['k'],
  letters: {
    g: given('g', 'S N', 'gradients, not 0', { entries: real(8).map(v => (v < 0 ? v - 0.25 : v + 0.25)) }),
    a: given('a', 'N', 'first parameters'),
    eta: rate,
    beta1: given('\\beta_1', '', 'how slowly the mean forgets', { entries: fc.constantFrom(0.5, 0.9), example: () => 0.9 }),
    beta2: given('\\beta_2', '', 'how slowly the mean square forgets', { entries: fc.constantFrom(0.9, 0.99), example: () => 0.99 }),
    epsilon: given('\\varepsilon', '', 'a small number', { entries: fc.constantFrom(1e-8, 1e-3), example: () => 1e-8 }),
    lambda: given('\\lambda', '', 'decay', { entries: fc.constantFrom(0, 0.1), example: () => 0.1 }),
    m: defined('m', 'S+1 N', 'running mean', String.raw`m_{0,i} = 0, \qquad m_{s+1,i} = \beta_1 m_{s,i} + (1 - \beta_1)\,g_{s,i}`, ({ g, a, beta1 }) => moment(beta1, g, a.length)),
    v: defined('v', 'S+1 N', 'running mean of the squares', String.raw`v_{0,i} = 0, \qquad v_{s+1,i} = \beta_2 v_{s,i} + (1 - \beta_2)\,g_{s,i}^2`, ({ g, a, beta2 }) => moment(beta2, squares(g), a.length)),
    mHat: defined('\\hat m', 'S N', 'the mean, corrected', String.raw`\hat m_{s,i} = \frac{m_{s+1,i}}{1 - \beta_1^{s+1}}`, ({ m, beta1, g }) => g.map((row, s) => row.map((_, i) => m[s + 1][i] / (1 - beta1 ** (s + 1))))),
    vHat: defined('\\hat v', 'S N', 'the mean square, corrected', String.raw`\hat v_{s,i} = \frac{v_{s+1,i}}{1 - \beta_2^{s+1}}`, ({ v, beta2, g }) => g.map((row, s) => row.map((_, i) => v[s + 1][i] / (1 - beta2 ** (s + 1))))),
    theta: defined('\\theta', 'S+1 N', 'parameters', String.raw`\theta_0 = a, \qquad \theta_{s+1,i} = \theta_{s,i} - \eta\,\Big(\frac{\hat m_{s,i}}{\sqrt{\hat v_{s,i}} + \varepsilon} + \lambda\,\theta_{s,i}\Big)`, ({ g, a, eta, epsilon, lambda, mHat, vHat }) =>
      g.reduce<Matrix>((states, _, s) => [...states, states[s].map((t, i) => t - eta * (mHat[s][i] / (Math.sqrt(vHat[s][i]) + epsilon) + lambda * t))], [a])),
    byLibrary: defined('A', 'S+1 N', 'parameters of the library', '', ({ g, a, eta, beta1, beta2, epsilon, lambda }) =>
      trajectory(adamW({ learningRate: eta, beta1, beta2, epsilon, weightDecay: lambda }), a, g)),
    c: given('c', '', 'a positive factor', { entries: fc.constantFrom(0.01, 3, 1000), example: () => 3 }),
    n: defined('n', 'S+1 N', 'the running mean of $c\\,g$', String.raw`n_{0,i} = 0, \qquad n_{s+1,i} = \beta_1 n_{s,i} + (1 - \beta_1)\,c\,g_{s,i}`, ({ g, a, beta1, c }) => moment(beta1, g.map(row => row.map(v => c * v)), a.length)),
    w: defined('w', 'S+1 N', 'the running mean of its squares', String.raw`w_{0,i} = 0, \qquad w_{s+1,i} = \beta_2 w_{s,i} + (1 - \beta_2)\,(c\,g_{s,i})^2`, ({ g, a, beta2, c }) => moment(beta2, squares(g.map(row => row.map(v => c * v))), a.length)),
    h: chance('h', 'S N', 'gradients by chance, with the mean 1 and the mean square 2', () => [[0, 0.5], [2, 0.5]]),
    r: defined('r', 'S+1 N', 'their running mean', String.raw`r_{0,i} = 0, \qquad r_{s+1,i} = \beta_1 r_{s,i} + (1 - \beta_1)\,h_{s,i}`, ({ h, a, beta1 }) => moment(beta1, h, a.length))
  },
  fits: ({ S, N }) => S * N <= 6,
  claims: [{
    title: 'The library', text: 'It takes the same steps.', formulas: [String.raw`A = \theta`]
  }, {
    title: 'Why the corrections',
    text: 'Unrolled, a running mean is a sum of all gradients with weights that fall by $\\beta_1$ from one to the one before. The weights sum to $1 - \\beta_1^{s+1}$ and not to 1, since the mean began with 0. If all gradients have one mean, here 1, so much of it is in the running mean; dividing by it removes the bias. Likewise for the squares.',
    formulas: [
      String.raw`m_{s+1,i} = (1 - \beta_1) \sum_{k=0}^{s} \beta_1^{s-k}\,g_{k,i}, \qquad (1 - \beta_1) \sum_{k=0}^{s} \beta_1^{s-k} = 1 - \beta_1^{s+1}`,
      String.raw`\mathbb E[r_{s+1,i}] = 1 - \beta_1^{s+1}`
    ]
  }, {
    title: 'The scale of a gradient does not matter',
    text: 'If all gradients are multiplied with one positive factor, mean and root grow by the same, and the step stays (but for $\\varepsilon$). A loss may be summed or averaged.',
    formulas: [String.raw`\frac{n_{s+1,i}}{\sqrt{w_{s+1,i}}} = \frac{m_{s+1,i}}{\sqrt{v_{s+1,i}}}`]
  }, {
    title: 'How large a step can be',
    text: 'The first step is as long as the learning rate, whatever the gradient. For later ones the Cauchy–Schwarz inequality bounds the mean by the root of the mean square, and with it the step.',
    formulas: [
      String.raw`\frac{\hat m_{0,i}}{\sqrt{\hat v_{0,i}}} = \frac{g_{0,i}}{|g_{0,i}|}`,
      String.raw`|m_{s+1,i}| \le \frac{1 - \beta_1}{\sqrt{1 - \beta_2}} \sqrt{\sum_{k=0}^{s} (\beta_1^2/\beta_2)^k}\,\sqrt{v_{s+1,i}}`
    ]
  }, {
    title: 'Decay beside the gradient, not in it',
    text: 'Decay takes the share $\\eta\\,\\lambda$ of every parameter in every step. If instead $\\lambda\\,\\theta_s$ were added to the gradient ("L2"), it would be divided by the root as well: parameters with large gradients would hardly decay, and the first step would not feel it at all unless it turned a sign. Usually only matrices and tables decay, not biases and layer norms (`decayMatrices`).',
    formulas: [String.raw`\theta_{s+1,i} = (1 - \eta\,\lambda)\,\theta_{s,i} - \eta\,\frac{\hat m_{s,i}}{\sqrt{\hat v_{s,i}} + \varepsilon}`]
  }],
  cost: 'A dozen operations for each parameter and step, and two more numbers for each parameter in memory.'
})

interface Clipping {
  readonly g: Vector
  readonly c: number
  readonly q: Vector
  readonly p: Vector
  readonly z: Vector
  readonly w: Vector
}

const norm = (x: Vector): number => Math.sqrt(sum(x.length, i => x[i] ** 2))

export const clipping = derivation<Clipping>({
  name: 'clipping', source: 'src/optimizers/clipping.ts', about: ['clipByGlobalNorm', 'withClipping', 'globalNorm'], uses: ['momentum'],
  introduction: 'A gradient whose norm is too large is scaled down. All parameters together are one long vector $g$, so its direction stays.',
  axes: { N: axis('i', 'entries of all parameters') },
  letters: {
    g: given('g', 'N', 'gradient'),
    c: given('c', '', 'largest norm', { entries: real(1).map(v => Math.abs(v) + 0.1), example: () => 1 }),
    q: defined('q', 'N', 'the nearest vector with a norm of at most $c$', String.raw`q = \begin{cases} g & \lVert g \rVert \le c \\ \frac{c}{\lVert g \rVert}\,g & \text{otherwise} \end{cases}`, ({ g, c }) => (norm(g) <= c ? g : g.map(v => c / norm(g) * v))),
    p: defined('p', 'N', 'what the library gives', String.raw`p = \min\Big(1, \frac{c}{\lVert g \rVert + 10^{-6}}\Big)\,g`, ({ g, c }) => vectorOf(clipByGlobalNorm(c)({ g: asTensor(g) }).g)),
    w: given('w', 'N', 'any vector'),
    z: defined('z', 'N', 'any vector with a norm of at most $c$', String.raw`z = \frac{c}{c + \lVert w \rVert}\,w`, ({ w, c }) => w.map(v => c / (c + norm(w)) * v))
  },
  claims: [{
    title: 'A projection',
    text: 'The vectors with a norm of at most $c$ are a ball. Scaling down leads to its nearest point: no other one is nearer to the gradient.',
    formulas: [String.raw`\lVert q \rVert \le c, \qquad \lVert z \rVert \le c, \qquad \lVert g - q \rVert \le \lVert g - z \rVert`]
  }, {
    title: 'The small number',
    text: 'As in PyTorch the norm is taken $10^{-6}$ larger, which keeps a zero gradient from a division by 0. So the library leaves a gradient alone only up to the norm $c - 10^{-6}$, and is never farther than $10^{-6}$ from the projection.',
    formulas: [String.raw`\lVert p \rVert \le c, \qquad \lVert p - q \rVert \le 10^{-6}`]
  }]
})

interface Schedules {
  readonly a: number
  readonly b: number
  readonly w: number
  readonly S: number
  readonly eta: Vector
  readonly line: Vector
  readonly L: Vector
}

const warmupOf = ({ a, b, w, S }: Schedules) => warmupCosine({ peak: a, final: b, warmup: w, steps: S })

export const schedules = derivation<Schedules>({
  name: 'schedules', source: 'src/schedules/schedules.ts', about: ['warmupCosine', 'linearSchedule', 'constantSchedule'], uses: ['adam'],
  introduction: 'The learning rate as a function of the step: it grows for $w$ steps, falls along half a wave of a cosine, and stays. Large steps at first would follow running means that know nothing yet; small ones at the end let it settle.',
  axes: { n: axis('s', 'steps that are shown', { min: 14, max: 14, example: 14 }) },
  letters: {
    a: given('a', '', 'peak', { entries: real(1).map(v => Math.abs(v) + 1), example: () => 1 }),
    b: given('b', '', 'final rate', { entries: real(1).map(v => Math.abs(v) / 2 + 0.01), example: () => 0.1 }),
    w: given('w', '', 'steps of growth', { entries: fc.integer({ min: 0, max: 5 }), example: () => 3 }),
    S: given('S', '', 'the step that reaches the final rate', { entries: fc.integer({ min: 6, max: 12 }), example: () => 10 }),
    eta: defined('\\eta', 'n', 'learning rates', String.raw`\eta_s = \begin{cases} a\,\frac{s + 1}{w + 1} & s < w \\ b + \tfrac12\,(a - b)\,(1 + \cos(\pi\,\frac{s - w}{S - w})) & s < S \\ b & s \ge S \end{cases}`, (c, { n }) => vector(n, s => warmupOf(c)(s))),
    line: defined('\\lambda', 'n', 'a linear schedule', String.raw`\lambda_s = a + (b - a) \min(1, s/S)`, ({ a, b, S }, { n }) => vector(n, s => a + (b - a) * Math.min(1, s / S))),
    L: defined('l', 'n', 'the linear schedule of the library', '', ({ a, b, S }, { n }) => vector(n, s => linearSchedule({ from: a, to: b, steps: S })(s)))
  },
  claims: [{
    title: 'No jump',
    text: 'The growth would reach the peak at step $w$, where the wave begins with the same value; the wave ends at step $S$ with the final rate. The wave is flat at both ends; where growth meets it there is a kink, but no jump.',
    formulas: [String.raw`\eta_w = a, \qquad \eta_S = b, \qquad 1 + \cos 0 = 2, \qquad 1 + \cos \pi = 0`]
  }, {
    title: 'The first step is not 0',
    text: 'Growth counts from 1, so that no step is wasted.',
    formulas: [String.raw`\eta_0 > 0, \qquad l = \lambda`]
  }]
})
