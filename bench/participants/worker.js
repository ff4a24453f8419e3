import { crossEntropy, gpt, lossAndGradient } from '../../dist/src/index.js'
import { serveGradients } from '../../dist/src/workers/index.js'

serveGradients(({ heads }) => lossAndGradient(gpt({ heads }), crossEntropy()))
