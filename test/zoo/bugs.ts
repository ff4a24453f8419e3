import type { Bug } from './bug.js'
import { attentionBugs } from './attentionBugs.js'
import { blockBugs } from './blockBugs.js'
import { factoredBugs } from './factoredBugs.js'
import { keepingBugs } from './keepingBugs.js'
import { kernelBugs } from './kernelBugs.js'
import { layerBugs } from './layerBugs.js'
import { modelBugs } from './modelBugs.js'
import { precisionBugs } from './precisionBugs.js'
import { readingBugs } from './readingBugs.js'
import { runningBugs } from './runningBugs.js'
import { trainingBugs } from './trainingBugs.js'

export const bugs: readonly Bug[] = [
  ...layerBugs, ...attentionBugs, ...blockBugs, ...kernelBugs, ...precisionBugs, ...keepingBugs, ...trainingBugs, ...modelBugs, ...factoredBugs, ...runningBugs, ...readingBugs
]
