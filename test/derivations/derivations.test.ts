import { inject } from 'vitest'
import { catalogue } from '../catalogue/index.js'
import { claim } from '../catalogue/claim.js'

// The steps of a page are many laws on the same cases, and each looks at every entry: fewer cases see as much.
claim(catalogue.derivations, { numRuns: Math.ceil(inject('runs') / 4) })
