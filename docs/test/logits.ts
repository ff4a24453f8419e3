/**
 * What the model of a file says of the next symbol after a prompt, computed in Node with the kernels that the browser has: logits.ts FILE PROMPT
 */
import '../../examples/train-gpt/relaxed.js'

const [file, prompt] = process.argv.slice(2)
// The library chooses its kernels when it is loaded, so it is loaded after the flag is set.
const { decoding, gpt, kernelsInUse, nextTokenLogits, tensor } = await import('../../src/index.js')
const { loadCheckpoint } = await import('../../src/node/index.js')

const loaded = await loadCheckpoint(file)()
if (loaded._tag === 'Left') throw new Error(loaded.left)
const { params, heads, tokenizer } = loaded.right
const ids = tokenizer.encode(prompt)
if (ids._tag === 'Left') throw new Error(ids.left)
const decoder = decoding(gpt({ heads }), { context: params.wpe.weight.shape[0] })
const logits = tensor.toArray(nextTokenLogits({ decoder, params })(ids.right))
console.log(JSON.stringify({ kernels: kernelsInUse(), logits: Object.fromEntries(tokenizer.symbols.map((symbol, id) => [symbol, logits[id]])) }))
