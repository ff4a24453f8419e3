import { onBeforeUnmount, onMounted, ref, type Ref } from 'vue'

/** The width of an element in pixels, and until it is measured the most that a picture takes. */
export const useWidth = (element: Readonly<Ref<HTMLElement | null>>, most: number): Ref<number> => {
  const width = ref(most)
  let observer: ResizeObserver | undefined
  onMounted(() => {
    if (element.value === null) return
    observer = new ResizeObserver(([{ contentRect }]) => { width.value = Math.max(240, Math.min(most, Math.floor(contentRect.width))) })
    observer.observe(element.value)
  })
  onBeforeUnmount(() => { observer?.disconnect() })
  return width
}
