import type { DefaultTheme } from 'vitepress'

/** The chapters of the path in their order: file name and title. */
export const CHAPTERS: readonly (readonly [file: string, title: string])[] = [
  ['neuron', 'A neuron and its bias'],
  ['activation', 'Activation'],
  ['loss', 'Loss'],
  ['gradient-descent', 'Gradient descent'],
  ['backpropagation', 'Backpropagation'],
  ['softmax', 'Softmax and temperature'],
  ['embeddings', 'Tokens and embeddings'],
  ['positions', 'Positions'],
  ['query-key-value', 'Query, key, value'],
  ['masking', 'Masking'],
  ['blocks', 'Heads and blocks'],
  ['sampling', 'Unembedding and sampling']
]

export const pathSidebar = (): DefaultTheme.SidebarItem[] => [{
  text: 'The path',
  items: CHAPTERS.map(([file, title], i) => ({ text: `${i + 1}. ${title}`, link: `/path/${file}` }))
}]
