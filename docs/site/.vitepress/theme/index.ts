import DefaultTheme from 'vitepress/theme'
import type { Theme } from 'vitepress'
import { defineAsyncComponent, onMounted } from 'vue'
import 'katex/dist/katex.min.css'
import './style.css'

/** Every component in `components/`, under its file's name, loaded when a page shows it. */
const components = import.meta.glob('./components/**/*.vue')

const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1, -'.vue'.length)

/** Links of the first page are relative to it, and would lead elsewhere when the address changes without a new page. */
const fixLinks = (): void => {
  for (const link of document.querySelectorAll<HTMLAnchorElement>('#app a[href]:not([href^="http"])')) if (typeof link.href === 'string') link.setAttribute('href', link.href.slice(location.origin.length))
}

export default {
  extends: DefaultTheme,
  setup: () => { onMounted(fixLinks) },
  enhanceApp: ({ app }) => {
    for (const [path, load] of Object.entries(components)) app.component(nameOf(path), defineAsyncComponent(load as never)) // each file's default export is a component
  }
} satisfies Theme
