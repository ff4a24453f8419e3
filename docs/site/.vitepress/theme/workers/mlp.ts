/**
 * Trains the perceptron of the playground. The page asks for some steps and gets a picture of what they have made.
 */
import { tree } from 'pullback'
import type { MlpReply, MlpRequest, PointSet } from '../lib/playground/mlpMessages.js'
import type { Labelled } from '../lib/playground/data.js'
import { mlpRun, type MlpTrained } from '../lib/playground/mlpRun.js'

const plain = ({ points, labels }: Labelled): PointSet => ({ places: Float32Array.from(points.data), labels: Float32Array.from(labels.data) })

const reply = (message: MlpReply): void => { postMessage(message) }

let current: { readonly run: ReturnType<typeof mlpRun>, readonly trained: MlpTrained } | undefined

const answered = (request: MlpRequest): MlpReply => {
  if (request.kind === 'open') {
    const run = mlpRun(request.settings), trained = run.first()
    current = { run, trained }
    return { run: request.run, kind: 'opened', training: plain(run.training), heldOut: plain(run.heldOut), parameters: tree.count(trained.params), picture: run.picture(trained) }
  }
  if (current === undefined) throw new Error('no run is open')
  const trained = current.run.advanced(request.steps)(current.trained)
  current = { run: current.run, trained }
  return { run: request.run, kind: 'picture', picture: current.run.picture(trained) }
}

onmessage = ({ data }: MessageEvent<MlpRequest>) => {
  try {
    reply(answered(data))
  } catch (error) {
    reply({ run: data.run, kind: 'problem', sentence: `The training stopped: ${error instanceof Error ? error.message : String(error)}. A smaller learning rate may help.` })
  }
}
