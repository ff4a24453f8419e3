/**
 * What a page has to say of what went wrong: everything once, in the order in which it came.
 */
export const withSentence = (sentence: string) => (said: readonly string[]): readonly string[] =>
  sentence === '' || said.includes(sentence) ? said : [...said, sentence]
