/**
 * What is measured: rows of the table, and who takes part in each.
 */
import { gpt, gpt2 } from './shapes.js'

const gflops = n => ({ milliseconds }) => `${(2 * n ** 3 / milliseconds / 1e6).toFixed(1)} GFLOP/s`
const perSecond = unit => ({ milliseconds, work }) => {
  const rate = work * 1000 / milliseconds
  return `${rate < 100 ? rate.toFixed(1) : Math.round(rate)} ${unit}/s`
}
const time = ({ milliseconds: ms }) => (ms < 2000 ? `${ms.toFixed(1)} ms` : `${(ms / 1000).toFixed(2)} s`)
const timeAndPeak = result => `${time(result)}, ${Math.round(result.peak)} MB`

const ours = ['node20', 'node20x2', 'node24', 'node24x2'], torch = ['torch', 'torchx2']
const all = [...ours, 'tfjs', 'jax', ...torch], inBrowser = ['chromium', 'chromiumx2', 'jaxChromium']

/** Few rounds of one run each, one participant after another: for work that takes seconds and gigabytes. */
const heavy = { alone: true, rounds: 3, minimum: 0, warm: 1 }

export const tasks = [
  ...[256, 512, 1024].map(n => ({
    id: `product-${n}`, kind: 'gemm', size: n, title: `matrix product ${n} × ${n} × ${n}`, show: gflops(n), by: ['node20', 'bareKernel', 'plain', 'node20x2', 'node24', 'bareKernel24', 'node24x2', 'bareKernel24x2', 'tfjs', 'jax', ...torch]
  })),
  { id: 'browser-product-512', kind: 'gemm', size: 512, title: 'matrix product 512 × 512 × 512 in a browser, jax-js with as many threads as there are cores', show: gflops(512), by: inBrowser },
  { id: 'step', kind: 'step', title: `training step of a GPT (${gpt.layers} layers, width ${gpt.width}, context ${gpt.context}, batch ${gpt.batch}): forward, backward, AdamW`, show: time, by: all },
  { id: 'step-in-a-run', kind: 'stepOfRun', title: 'the same as a step of `trainingRun`, whose state stays in the memory of kernels', show: time, by: [...ours, ...torch] },
  { id: 'browser-step', kind: 'step', title: 'the same in a browser, jax-js with as many threads as there are cores', show: time, by: inBrowser },
  { id: 'generation', kind: 'generation', title: 'generation with that GPT, up to its context', show: perSecond('tokens'), by: [...all, 'withoutCache'] },
  { id: 'generation-without-cache', kind: 'withoutCache', title: 'the same by PyTorch without a cache', show: perSecond('tokens'), by: torch },
  { id: 'mlp', kind: 'mlp', title: 'training step of an MLP (784-128-64-10, batch 64), SGD', show: perSecond('steps'), by: all },
  { id: 'browser-mlp', kind: 'mlp', title: 'the same in a browser, jax-js with as many threads as there are cores', show: perSecond('steps'), by: inBrowser },
  { id: 'mlp-in-a-run', kind: 'mlpOfRun', title: 'the same as a step of `trainingRun`', show: perSecond('steps'), by: [...ours, ...torch] },
  { id: 'gpt2-step', kind: 'gpt2Step', size: { batch: 4, time: 64 }, title: 'training step of GPT-2 small (124 M parameters), batch 4 × 64, and peak memory', show: timeAndPeak, by: [...ours, ...torch], ...heavy },
  { id: 'gpt2-long-step', kind: 'gpt2Step', size: { batch: 1, time: gpt2.context }, title: 'the same, batch 1 × 1024', show: timeAndPeak, by: ['node24', 'node24x2', ...torch], ...heavy },
  { id: 'gpt2-prompt', kind: 'prompt', size: 900, title: 'reading a prompt of 900 tokens with GPT-2 small, and peak memory', show: timeAndPeak, by: [...ours, ...torch], ...heavy },
  ...[16, 900].map(n => ({ id: `gpt2-after-${n}`, kind: 'continuation', size: n, title: `generation with GPT-2 small after ${n} tokens`, show: perSecond('tokens'), by: [...ours, ...torch], ...heavy })),
  { id: 'gpt2-initial', kind: 'initial', title: 'initial parameters of GPT-2 small', show: time, by: [...ours, ...torch], ...heavy },
  ...[1024, 2048, 4096, 8192].map(n => ({ id: `context-${n}`, kind: 'contextStep', size: n, title: `training step at width ${gpt.width}, batch 1, context ${n}, and peak memory`, show: timeAndPeak, by: ['node24', 'node24x2', ...torch], ...heavy }))
]
