import type fc from 'fast-check'
import { describe, test } from 'vitest'
import { asTests } from 'pullback/laws'
import type { Subject } from './subject.js'

/** One named test for each law of each subject. */
export const claim = (subjects: readonly Subject[], parameters: fc.Parameters<unknown> = {}): void => {
  for (const { subject, laws } of subjects) describe(subject, () => asTests(test, parameters)(laws))
}
