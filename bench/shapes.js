/** nanoGPT's configuration for a CPU. */
export const gpt = { layers: 4, heads: 4, width: 128, context: 64, batch: 12, vocabulary: 65 }

/** GPT-2 small, 124 M parameters. */
export const gpt2 = { layers: 12, heads: 12, width: 768, context: 1024, vocabulary: 50257 }

/** A classifier of handwritten digits. */
export const mlp = { sizes: [784, 128, 64, 10], batch: 64, rate: 0.1 }

/** Numbers that look random and are the same for everybody. */
export const numbers = (length, scale = 1, seed = 1) => Float32Array.from({ length }, (_, i) => {
  const x = Math.sin((i + 1) * 12.9898 + seed * 78.233) * 43758.5453
  return (x - Math.floor(x) - 0.5) * 2 * scale
})

export const ids = (length, below, seed = 1) => Int32Array.from(numbers(length, 0.5, seed), x => Math.floor((x + 0.5) * below))
