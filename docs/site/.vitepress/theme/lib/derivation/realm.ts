/**
 * Whether code has changed what belongs to every program, and so to the law that judges it. Nothing here relies on what may be changed.
 */
const ownKeys = Reflect.ownKeys.bind(Reflect), getOwnPropertyDescriptor = Reflect.getOwnPropertyDescriptor.bind(Reflect), is = Object.is.bind(Object)
const text = String

/** Remembers the properties of named objects; says later which one was changed or added. */
export const remember = (objects: Readonly<Record<string, object>>): (() => string | undefined) => {
  const kept = Object.entries(objects).map(([name, object]) => {
    const keys = ownKeys(object)
    return { name, object, keys, descriptors: keys.map(key => getOwnPropertyDescriptor(object, key)) }
  })
  return () => {
    for (let i = 0; i < kept.length; i++) {
      const { name, object, keys, descriptors } = kept[i], now = ownKeys(object)
      for (let j = 0; j < keys.length; j++) {
        const before = descriptors[j], after = getOwnPropertyDescriptor(object, keys[j])
        if (!is(before?.value, after?.value) || before?.get !== after?.get) return `${name}.${text(keys[j])}`
      }
      if (now.length > keys.length) return `${name}.${text(now[now.length - 1])}`
    }
    return undefined
  }
}

const Typed = Reflect.getPrototypeOf(Float64Array.prototype) ?? {}

export const changedInRealm = remember({
  'Math': Math, 'Object': Object, 'Object.prototype': Object.prototype, 'Array': Array, 'Array.prototype': Array.prototype, 'Number': Number,
  'Number.prototype': Number.prototype, 'Function.prototype': Function.prototype, 'Float64Array.prototype': Typed, 'Set.prototype': Set.prototype, 'Map.prototype': Map.prototype
})
