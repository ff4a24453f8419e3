import { defaultDevice, init, jit, nn, numpy as np, tree, valueAndGrad } from '@jax-js/jax'
import * as shapes from '../shapes.js'

await init('wasm')
defaultDevice('wasm')

/** The numbers of a result: at once in Node; in a browser, where it has threads for those who wait, when they are there. */
const read = value => (typeof document === 'undefined' ? value.dataSync() : value.data())

const array = (shape, scale, seed) => np.array(shapes.numbers(shape.reduce((a, b) => a * b, 1), scale, seed)).reshape(shape)
const kept = p => tree.map(x => x.ref, p)

/** Mean cross-entropy of logits against one-hot rows. */
const crossEntropy = (logits, target, rows) => nn.logSoftmax(logits).mul(target).sum().mul(-1 / rows)

const normalise = (x, g, b) => {
  const centred = x.ref.sub(np.mean(x, -1, { keepdims: true }))
  const deviation = np.sqrt(np.mean(np.square(centred.ref), -1, { keepdims: true }).add(1e-5))
  return centred.div(deviation).mul(g).add(b)
}

export const jax = {
  name: 'jax-js wasm',
  gemm: n => {
    const a = array([n, n], 1, 1), b = array([n, n], 1, 2)
    return { run: () => read(np.matmul(a.ref, b.ref)) }
  },
  mlp: () => {
    const { sizes, batch, rate } = shapes.mlp
    const init = sizes.slice(1).map((size, i) => ({ w: array([sizes[i], size], Math.sqrt(3 / sizes[i]), i + 1), b: np.zeros([size]) }))
    const input = array([batch, sizes[0]], 1, 1), target = nn.oneHot(np.array(shapes.ids(batch, 10), { dtype: np.int32 }), 10)
    const loss = (params, x, t) => {
      params.forEach(({ w, b }, i) => { x = np.matmul(x, w).add(b); if (i < params.length - 1) x = nn.relu(x) })
      return crossEntropy(x, t, batch)
    }
    const step = jit((params, x, t) => {
      const [value, gradient] = valueAndGrad(loss)(kept(params), x, t)
      return [value, tree.map((p, g) => p.sub(g.mul(rate)), params, gradient)]
    })
    let params = init
    return { run: () => { const [value, next] = step(params, input.ref, target.ref); params = next; return read(value) } }
  },
  step: () => {
    const { layers, heads, width: D, context: T, batch: B, vocabulary: V } = shapes.gpt
    const block = i => ({
      g1: np.ones([D]), b1: np.zeros([D]), qkv: array([D, 3 * D], 0.02, 10 + i), qkvB: np.zeros([3 * D]), out: array([D, D], 0.02, 20 + i), outB: np.zeros([D]),
      g2: np.ones([D]), b2: np.zeros([D]), up: array([D, 4 * D], 0.02, 30 + i), upB: np.zeros([4 * D]), down: array([4 * D, D], 0.02, 40 + i), downB: np.zeros([D])
    })
    const init = { wte: array([V, D], 0.02, 1), wpe: array([T, D], 0.02, 2), h: Array.from({ length: layers }, (_, i) => block(i)), gf: np.ones([D]), bf: np.zeros([D]) }
    const hot = seed => nn.oneHot(np.array(shapes.ids(B * T, V, seed), { dtype: np.int32 }), V)
    const input = hot(1), target = hot(2)
    const mask = np.array(Float32Array.from({ length: T * T }, (_, i) => (i % T > Math.floor(i / T) ? -1e9 : 0))).reshape([T, T])
    const loss = (p, x1, t, m) => {
      let x = np.matmul(x1, p.wte.ref).reshape([B, T, D]).add(p.wpe)
      for (const b of p.h) {
        const qkv = np.matmul(normalise(x.ref, b.g1, b.b1).reshape([B * T, D]), b.qkv).add(b.qkvB).reshape([B, T, 3, heads, D / heads]).transpose([2, 0, 3, 1, 4])
        const [q, k, v] = np.split(qkv, 3, 0).map(a => a.reshape([B, heads, T, D / heads]))
        const w = nn.softmax(np.matmul(q, k.transpose([0, 1, 3, 2])).mul(1 / Math.sqrt(D / heads)).add(m.ref), -1)
        const y = np.matmul(w, v).transpose([0, 2, 1, 3]).reshape([B * T, D])
        x = x.add(np.matmul(y, b.out).add(b.outB).reshape([B, T, D]))
        const h = nn.gelu(np.matmul(normalise(x.ref, b.g2, b.b2).reshape([B * T, D]), b.up).add(b.upB))
        x = x.add(np.matmul(h, b.down).add(b.downB).reshape([B, T, D]))
      }
      m.dispose()
      return crossEntropy(np.matmul(normalise(x, p.gf, p.bf).reshape([B * T, D]), p.wte.transpose()), t, B * T)
    }
    const step = jit((p, m, v, x, t, causal) => {
      const [value, g] = valueAndGrad(loss)(kept(p), x, t, causal)
      const m2 = tree.map((a, b) => a.mul(0.9).add(b.mul(0.1)), m, kept(g))
      const v2 = tree.map((a, b) => a.mul(0.999).add(np.square(b).mul(0.001)), v, g)
      const next = tree.map((a, b, c) => a.ref.sub(a.mul(1e-5)).sub(b.div(np.sqrt(c).add(1e-8)).mul(1e-3)), p, kept(m2), kept(v2))
      return [value, next, m2, v2]
    })
    const zeros = p => tree.map(x => np.zeros(x.shape), p)
    let p = init, m = zeros(init), v = zeros(init)
    return { run: () => { const [value, p2, m2, v2] = step(p, m, v, input.ref, target.ref, mask.ref); p = p2; m = m2; v = v2; return read(value) } }
  }
}
