import type { Bug } from './bug.js'
import { attentionBugs } from './attentionBugs.js'
import { layerBugs } from './layerBugs.js'
import { modelBugs } from './modelBugs.js'
import { runningBugs } from './runningBugs.js'
import { trainingBugs } from './trainingBugs.js'

export const bugs: readonly Bug[] = [...layerBugs, ...attentionBugs, ...trainingBugs, ...modelBugs, ...runningBugs]
