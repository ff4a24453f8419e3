import tf from '@tensorflow/tfjs'
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm'
import { fileURLToPath } from 'node:url'
import * as shapes from '../shapes.js'

setWasmPaths(`${fileURLToPath(new URL('../node_modules/@tensorflow/tfjs-backend-wasm/dist/', import.meta.url))}`)
await tf.setBackend('wasm')
await tf.ready()
tf.enableProdMode()

const variable = (shape, scale, seed) => tf.variable(tf.tensor(shapes.numbers(shape.reduce((a, b) => a * b, 1), scale, seed), shape))

const layerNorm = (x, g, b) => {
  const mean = tf.mean(x, -1, true), centred = tf.sub(x, mean)
  const variance = tf.mean(tf.square(centred), -1, true)
  return tf.add(tf.mul(tf.mul(centred, tf.rsqrt(tf.add(variance, 1e-5))), g), b)
}

const gelu = x => tf.mul(tf.mul(x, 0.5), tf.add(1, tf.tanh(tf.mul(Math.sqrt(2 / Math.PI), tf.add(x, tf.mul(0.044715, tf.mul(x, tf.mul(x, x))))))))

const model = () => {
  const { layers, heads, width: D, context, vocabulary } = shapes.gpt
  const wte = variable([vocabulary, D], 0.02, 1), wpe = variable([context, D], 0.02, 2)
  const one = () => tf.variable(tf.ones([D])), zero = n => tf.variable(tf.zeros([n]))
  const blocks = Array.from({ length: layers }, (_, i) => ({
    g1: one(), b1: zero(D), qkv: variable([D, 3 * D], 0.02, 10 + i), qkvB: zero(3 * D), out: variable([D, D], 0.02, 20 + i), outB: zero(D),
    g2: one(), b2: zero(D), up: variable([D, 4 * D], 0.02, 30 + i), upB: zero(4 * D), down: variable([4 * D, D], 0.02, 40 + i), downB: zero(D)
  }))
  const gf = one(), bf = zero(D)
  // The wasm backend has no gradient of gather, so the embedding is a product with one-hot rows.
  const logits = (tokens, batch, time) => {
    const mask = tf.tensor2d(Float32Array.from({ length: time * time }, (_, i) => (i % time > Math.floor(i / time) ? -1e9 : 0)), [time, time])
    let x = tf.add(tf.reshape(tf.matMul(tf.oneHot(tokens, vocabulary), wte), [batch, time, D]), tf.slice(wpe, [0, 0], [time, D]))
    for (const p of blocks) {
      const flat = tf.reshape(layerNorm(x, p.g1, p.b1), [batch * time, D])
      const parts = tf.split(tf.reshape(tf.add(tf.matMul(flat, p.qkv), p.qkvB), [batch, time, 3 * D]), 3, 2)
      const [q, k, v] = parts.map(t => tf.transpose(tf.reshape(t, [batch, time, heads, D / heads]), [0, 2, 1, 3]))
      const w = tf.softmax(tf.add(tf.mul(tf.matMul(q, k, false, true), 1 / Math.sqrt(D / heads)), mask))
      const y = tf.reshape(tf.transpose(tf.matMul(w, v), [0, 2, 1, 3]), [batch * time, D])
      x = tf.add(x, tf.reshape(tf.add(tf.matMul(y, p.out), p.outB), [batch, time, D]))
      const h = gelu(tf.add(tf.matMul(tf.reshape(layerNorm(x, p.g2, p.b2), [batch * time, D]), p.up), p.upB))
      x = tf.add(x, tf.reshape(tf.add(tf.matMul(h, p.down), p.downB), [batch, time, D]))
    }
    return tf.matMul(tf.reshape(layerNorm(x, gf, bf), [batch * time, D]), wte, false, true)
  }
  return { logits }
}

export const tfjs = {
  name: 'TensorFlow.js wasm',
  gemm: n => {
    const a = tf.tensor2d(shapes.numbers(n * n), [n, n]), b = tf.tensor2d(shapes.numbers(n * n, 1, 2), [n, n])
    return { run: () => { const c = tf.matMul(a, b); c.dataSync(); c.dispose() }, end: () => { a.dispose(); b.dispose() } }
  },
  step: () => {
    const { batch, context, vocabulary } = shapes.gpt
    const { logits } = model()
    const tokens = tf.tensor1d(shapes.ids(batch * context, vocabulary, 1), 'int32')
    const target = tf.oneHot(tf.tensor1d(shapes.ids(batch * context, vocabulary, 2), 'int32'), vocabulary)
    const optimizer = tf.train.adam(1e-3)
    return {
      run: () => {
        const loss = optimizer.minimize(() => tf.losses.softmaxCrossEntropy(target, logits(tokens, batch, context)), true)
        loss.dataSync()
        loss.dispose()
      },
      end: () => tf.disposeVariables()
    }
  },
  generation: () => {
    const { context } = shapes.gpt
    const { logits } = model()
    return {
      run: () => {
        const tokens = [1]
        while (tokens.length < context) {
          const last = tf.tidy(() => tf.softmax(tf.slice(logits(tf.tensor1d(tokens, 'int32'), 1, tokens.length), [tokens.length - 1, 0], [1, -1])).dataSync())
          let u = (tokens.length * 0.618) % 1, next = 0
          while (next < last.length - 1 && (u -= last[next]) > 0) next++
          tokens.push(next)
        }
      },
      work: context - 1,
      end: () => tf.disposeVariables()
    }
  },
  mlp: () => {
    const { sizes, batch, rate } = shapes.mlp
    const weights = sizes.slice(1).map((size, i) => [variable([sizes[i], size], Math.sqrt(3 / sizes[i]), i + 1), tf.variable(tf.zeros([size]))])
    const input = tf.tensor2d(shapes.numbers(batch * sizes[0]), [batch, sizes[0]])
    const target = tf.oneHot(tf.tensor1d(shapes.ids(batch, 10), 'int32'), 10)
    const optimizer = tf.train.sgd(rate)
    return {
      run: () => {
        const loss = optimizer.minimize(() => {
          let x = input
          weights.forEach(([w, b], i) => { x = tf.add(tf.matMul(x, w), b); if (i < weights.length - 1) x = tf.relu(x) })
          return tf.losses.softmaxCrossEntropy(target, x)
        }, true)
        loss.dataSync()
        loss.dispose()
      },
      end: () => tf.disposeVariables()
    }
  }
}
