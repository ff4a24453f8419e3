/**
 * Scores of words that may come next, and what a temperature makes of them.
 */
import { noParams, softmaxWith, tensor } from 'pullback'

/** For "The cat sat on the …"; made by hand. */
export const CONTINUATIONS: readonly (readonly [word: string, score: number])[] = [['mat', 3.2], ['sofa', 2.4], ['roof', 1.5], ['dog', 0.4], ['idea', -1.5]]

export const probabilitiesAt = (temperature: number): readonly number[] =>
  tensor.toArray(softmaxWith(temperature).forward(noParams, tensor.of(CONTINUATIONS.map(([, score]) => score))))
