import DefaultTheme from 'vitepress/theme'
import type { Theme } from 'vitepress'
import { defineAsyncComponent } from 'vue'
import 'katex/dist/katex.min.css'
import './style.css'

/** Every component in `components/`, under its file's name, loaded when a page shows it. */
const components = import.meta.glob('./components/**/*.vue')

const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1, -'.vue'.length)

export default {
  extends: DefaultTheme,
  enhanceApp: ({ app }) => {
    for (const [path, load] of Object.entries(components)) app.component(nameOf(path), defineAsyncComponent(load as never)) // each file's default export is a component
  }
} satisfies Theme
