/**
 * A worker of the training: computes gradients of parts of a batch.
 */
import { serveGradients } from 'pullback/workers'
import { gradientOf } from './training.js'

serveGradients(gradientOf)
