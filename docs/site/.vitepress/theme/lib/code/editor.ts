/**
 * An editor of TypeScript in the colours of the site. Loaded when one is opened.
 */
import { indentWithTab } from '@codemirror/commands'
import { javascript } from '@codemirror/lang-javascript'
import { HighlightStyle, syntaxHighlighting } from '@codemirror/language'
import { tags } from '@lezer/highlight'
import { basicSetup } from 'codemirror'
import { EditorView, keymap } from '@codemirror/view'

const colours = HighlightStyle.define([
  { tag: [tags.keyword, tags.modifier, tags.operatorKeyword], color: 'var(--pb-gradient)' },
  { tag: [tags.number, tags.bool, tags.null], color: 'var(--pb-input)' },
  { tag: [tags.string, tags.regexp], color: 'var(--pb-value)' },
  { tag: [tags.function(tags.variableName), tags.function(tags.propertyName)], color: 'var(--pb-params)' },
  { tag: [tags.typeName, tags.className], color: 'var(--pb-output)' },
  { tag: tags.comment, color: 'var(--pb-muted)', fontStyle: 'italic' }
])

const look = EditorView.theme({
  '&': { backgroundColor: 'var(--vp-code-block-bg)', color: 'var(--vp-c-text-1)', fontSize: '14px', borderRadius: '8px' },
  '&.cm-focused': { outline: '2px solid var(--vp-c-brand-2)' },
  '.cm-content': { fontFamily: 'var(--vp-font-family-mono)', padding: '12px 0', caretColor: 'var(--vp-c-text-1)' },
  '.cm-cursor': { borderLeftColor: 'var(--vp-c-text-1)' },
  '.cm-gutters': { backgroundColor: 'transparent', color: 'var(--pb-muted)', border: 'none' },
  '.cm-activeLine, .cm-activeLineGutter': { backgroundColor: 'color-mix(in srgb, var(--vp-c-brand-2) 8%, transparent)' },
  '.cm-selectionBackground, &.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground': { backgroundColor: 'color-mix(in srgb, var(--vp-c-brand-2) 25%, transparent)' }
})

export interface Editor {
  readonly set: (text: string) => void
  readonly focus: () => void
  readonly destroy: () => void
}

/** Puts an editor into an element. `onRun` is Ctrl+Enter. Escape, then Tab, leaves it. */
export const createEditor = (parent: HTMLElement, text: string, label: string, onChange: (text: string) => void, onRun: () => void): Editor => {
  const view = new EditorView({
    doc: text, parent,
    extensions: [
      keymap.of([{ key: 'Mod-Enter', run: () => { onRun(); return true } }, indentWithTab]),
      basicSetup, javascript({ typescript: true }), syntaxHighlighting(colours), look, EditorView.lineWrapping,
      EditorView.contentAttributes.of({ 'aria-label': label }),
      EditorView.updateListener.of(update => { if (update.docChanged) onChange(update.state.doc.toString()) })
    ]
  })
  return {
    set: next => { view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: next } }) },
    focus: () => { view.focus() },
    destroy: () => { view.destroy() }
  }
}
