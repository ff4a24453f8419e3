import { catalogue } from '../catalogue/index.js'
import { claim } from '../catalogue/claim.js'

claim(catalogue.steps)
