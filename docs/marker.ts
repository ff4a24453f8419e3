/** The path that the site is built for, before `anyPath.ts` makes it any. */
export const MARKER = '/pullback-base/'
