import { describe, expect, test } from 'vitest'
import { constantSchedule, linearSchedule, warmupCosine, type Schedule } from 'pullback'

describe('a schedule', () => {
  test('says which schedule was given a step that is none', () => {
    const made: Readonly<Record<string, Schedule>> = {
      constantSchedule: constantSchedule(1), linearSchedule: linearSchedule({ from: 0, to: 1, steps: 2 }), warmupCosine: warmupCosine({ peak: 1, final: 0, warmup: 1, steps: 2 })
    }
    for (const [name, rate] of Object.entries(made))
      for (const step of [-1, 0.5, NaN, Infinity]) expect(() => rate(step)).toThrow(new RangeError(`${name}: expected step to be a non-negative safe integer, got ${step}`))
  })
  test('of a straight line has its ends, also where it has no length', () => {
    expect([0, 1, 2, 3, 4, 5].map(linearSchedule({ from: 2, to: 6, steps: 4 }))).toEqual([2, 3, 4, 5, 6, 6])
    expect([0, 1].map(linearSchedule({ from: 2, to: 6, steps: 0 }))).toEqual([6, 6])
  })
  test('of a warm-up and a cosine ends at its last rate, also where it is all warm-up, or has none', () => {
    expect([0, 1, 2, 3, 4].map(warmupCosine({ peak: 1, final: 0.5, warmup: 3, steps: 3 }))).toEqual([0.25, 0.5, 0.75, 0.5, 0.5])
    expect([0, 2, 3].map(warmupCosine({ peak: 3, final: 1, warmup: 0, steps: 2 }))).toEqual([3, 1, 1])
    expect(warmupCosine({ peak: 3, final: 1, warmup: 0, steps: 2 })(1)).toBeCloseTo(2, 14)
    expect(() => warmupCosine({ peak: 1, final: 0, warmup: 4, steps: 3 })).toThrow(new RangeError('warmupCosine: expected warmup to be at most steps, got 4 and 3'))
  })
})
