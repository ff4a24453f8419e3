/** What a reader's program tells the page. */
export type FromProgram =
  | { readonly kind: 'ready' }
  | { readonly kind: 'line', readonly text: string }
  | { readonly kind: 'done' }
  | { readonly kind: 'failed', readonly text: string }

/** What the page tells the worker: a program, once. */
export interface ToProgram {
  readonly code: string
}
