/**
 * Mistakes that change nothing, each with its reason: the formula is as true as before.
 */
export const harmless: ReadonlyMap<string, string> = new Map([
])
