import { derivations } from '../../laws/derivations/index.js'
import { claim } from '../catalogue/claim.js'

claim(derivations.map(({ name, laws }) => ({ subject: name, laws })))
