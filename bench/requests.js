/**
 * What a participant answers to the requests of `main.js`, wherever it runs.
 */

/** Milliseconds of so many runs, after one that does not count: while the others had their turn, caches went cold. */
const timed = async (made, rounds) => {
  if (made.timed !== undefined) return made.timed(rounds)
  await made.run()
  const began = performance.now()
  for (let i = 0; i < rounds; i++) await made.run()
  return performance.now() - began
}

/** From requests to answers; `peak` gives the largest resident set in MB. */
export const answering = (participant, peak) => {
  let made
  const answer = async ({ make, size, rounds }) => {
    if (make === undefined) return { milliseconds: await timed(made, rounds), peak: peak() }
    made = participant[make]?.(size)
    return { able: made !== undefined, work: made?.work ?? 1 }
  }
  return request => answer(request).catch(error => ({ error: `${error.name}: ${error.message}` }))
}
