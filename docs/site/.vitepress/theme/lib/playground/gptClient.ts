/**
 * The page's side of the GPT: what the worker has said, and what may be asked of it.
 */
import { computed, onBeforeUnmount, onMounted, ref, shallowRef } from 'vue'
import type { Point } from './curve.js'
import { initialOf, queryOf, settingsOf } from './fields.js'
import type { GptReply, GptRequest, Opened } from './gptMessages.js'
import { GPT_FIELDS, gptSettingsOf, VIEW_FIELDS, type GptSettings, type GptView } from './gptSettings.js'
import { withSentence } from './sentences.js'
import { DEFAULT_TEXT, fingerprint } from './text.js'

type Said<K extends GptReply['kind']> = Extract<GptReply, { readonly kind: K }>

/** Files beyond this are no small model. */
const LARGEST_FILE = 100_000_000
/** Milliseconds that typing may pause before the worker is asked. */
const TYPING = 150

const addressOf = ({ settings, text }: Opened, view: GptView): string => {
  const own = fingerprint(text)
  return `?${queryOf(GPT_FIELDS)(settings)}&${queryOf(VIEW_FIELDS)(view)}${own === '' ? '' : `&text=${own}`}`
}

const download = (bytes: Uint8Array<ArrayBuffer>, name: string): void => {
  const url = URL.createObjectURL(new Blob([bytes], { type: 'application/octet-stream' }))
  Object.assign(document.createElement('a'), { href: url, download: name }).click()
  setTimeout(() => { URL.revokeObjectURL(url) }, 60_000)
}

export const useGpt = () => {
  const opened = shallowRef<Opened>(), view = shallowRef<GptView>(initialOf(VIEW_FIELDS))
  const progress = shallowRef<Said<'progress'>>(), curves = shallowRef<{ readonly training: readonly Point[], readonly heldOut: readonly Point[] }>({ training: [], heldOut: [] })
  const samples = shallowRef<Said<'samples'>['samples']>([]), look = shallowRef<Said<'look'>>(), flow = shallowRef<Said<'flow'>['flow']>()
  const problems = shallowRef<readonly string[]>([]), problem = computed(() => problems.value.join(' ')), promptProblem = ref(''), keepingProblem = ref(''), notice = ref('')
  let worker: Worker | undefined, typing: ReturnType<typeof setTimeout> | undefined, wantedText = ''

  const complain = (sentence: string): void => { problems.value = withSentence(sentence)(problems.value) }
  const ask = (request: GptRequest): void => { worker?.postMessage(request) }

  const showAddress = (): void => {
    if (opened.value !== undefined) history.replaceState(history.state, '', addressOf(opened.value, view.value))
  }

  const noticeOf = ({ from, text }: Opened, before: Opened | undefined): string => {
    if (from === 'kept') return 'This run was kept by the browser. Train, and it goes on.'
    if (from === 'file') return 'The weights of the file are here; a run goes on from them. Reset begins with random weights, not with these.'
    if (before?.from === 'file') return 'This run begins with random weights, not with those of the file.'
    return wantedText !== '' && wantedText !== fingerprint(text)
      ? 'The address means a run on another text, which an address does not hold. Paste that text below to repeat the run; here is the page’s own.' : ''
  }

  const heard = (said: GptReply): void => {
    if (said.kind === 'opened') {
      const before = opened.value
      opened.value = said.opened
      complain(said.opened.refusal)
      notice.value = noticeOf(said.opened, before)
      wantedText = ''
      progress.value = undefined
      samples.value = []
      // A page that was opened without settings keeps its short address until the reader chooses something.
      if (before !== undefined || said.opened.from !== 'new' || location.search !== '') showAddress()
    } else if (said.kind === 'progress') progress.value = said
    else if (said.kind === 'curves') curves.value = said
    else if (said.kind === 'samples') samples.value = said.samples
    else if (said.kind === 'look') look.value = said
    else if (said.kind === 'flow') flow.value = said.flow
    else if (said.kind === 'weights') download(said.bytes, `pullback-gpt-${progress.value?.step ?? 0}-steps.safetensors`)
    else if (said.about === 'prompt') promptProblem.value = said.sentence
    else if (said.about === 'keeping') keepingProblem.value = said.sentence
    else complain(said.sentence)
  }

  const start = (settings: GptSettings, text: string): void => {
    problems.value = []
    ask({ kind: 'open', opening: { settings, text, kept: 'none' } })
  }

  const changeView = (changed: Partial<GptView>): void => {
    view.value = { ...view.value, ...changed }
    clearTimeout(typing)
    typing = setTimeout(() => {
      showAddress()
      ask({ kind: 'view', view: view.value })
    }, TYPING)
  }

  const load = async (file: File): Promise<void> => {
    problems.value = []
    if (file.size > LARGEST_FILE) complain(`“${file.name}” was not loaded: it has ${file.size} bytes, and this page takes up to ${LARGEST_FILE}.`)
    else ask({ kind: 'load', name: file.name, bytes: new Uint8Array(await file.arrayBuffer()) })
  }

  const keepWhenHidden = (): void => { if (document.visibilityState === 'hidden') ask({ kind: 'keep' }) }

  onMounted(() => {
    const query = location.search, read = gptSettingsOf(query), looked = settingsOf(VIEW_FIELDS)(query)
    view.value = looked.settings
    wantedText = new URLSearchParams(query).get('text') ?? ''
    worker = new Worker(new URL('../../workers/gpt.ts', import.meta.url), { type: 'module', name: 'gpt' })
    worker.onmessage = ({ data }: MessageEvent<GptReply>) => { heard(data) }
    worker.onerror = () => { complain('The worker that trains could not start in this browser.') }
    ask({ kind: 'view', view: view.value })
    ask({ kind: 'open', opening: { settings: read.settings, text: DEFAULT_TEXT, kept: query === '' ? 'any' : { fingerprint: wantedText } } })
    problems.value = [...read.problems, ...looked.problems]
    document.addEventListener('visibilitychange', keepWhenHidden)
  })
  onBeforeUnmount(() => {
    document.removeEventListener('visibilitychange', keepWhenHidden)
    clearTimeout(typing)
    worker?.terminate()
  })

  const command = (kind: 'train' | 'pause' | 'step' | 'save') => (): void => {
    notice.value = ''
    ask({ kind })
  }
  return {
    opened, view, progress, curves, samples, look, flow, problem, promptProblem, keepingProblem, notice, start, changeView, load,
    train: command('train'), pause: command('pause'), step: command('step'), save: command('save')
  }
}
