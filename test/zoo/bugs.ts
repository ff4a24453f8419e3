import type { Bug } from './bug.js'
import { attentionBugs } from './attentionBugs.js'
import { kernelBugs } from './kernelBugs.js'
import { layerBugs } from './layerBugs.js'
import { trainingBugs } from './trainingBugs.js'

export const bugs: readonly Bug[] = [...layerBugs, ...attentionBugs, ...kernelBugs, ...trainingBugs]
