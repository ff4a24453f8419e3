import { kernelsInUse, type KernelKind } from 'pullback'

const kind: KernelKind = kernelsInUse()
console.log(kind)
