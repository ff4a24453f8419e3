/**
 * The text that a run learns from if the reader pastes none. Every verse has the same frame and words of its own, so there is much to learn
 * soon, and something to learn late.
 */

interface Verse {
  readonly day: string
  readonly who: string
  readonly she: string
  readonly first: string
  readonly second: string
  readonly asks: string
  readonly gift: string
  readonly where: string
}

const VERSES: readonly Verse[] = [
  { day: 'Monday', who: 'the miller', she: 'he', first: 'the barley', second: 'the wheat', asks: 'the wind at the door', gift: 'a sack of white flour', where: 'over the hill' },
  { day: 'Tuesday', who: 'the baker', she: 'she', first: 'the flour', second: 'the yeast', asks: 'the rain at the door', gift: 'a loaf from the oven', where: 'down to the sea' },
  { day: 'Wednesday', who: 'the weaver', she: 'she', first: 'the wool', second: 'the thread', asks: 'the snow at the door', gift: 'a coat for the winter', where: 'up to the peak' },
  { day: 'Thursday', who: 'the smith', she: 'he', first: 'the iron', second: 'the coal', asks: 'the mist at the door', gift: 'a nail for a horseshoe', where: 'into the wood' },
  { day: 'Friday', who: 'the fisher', she: 'he', first: 'the nets', second: 'the oars', asks: 'the storm at the door', gift: 'a fish from the harbour', where: 'out of the bay' },
  { day: 'Saturday', who: 'the gardener', she: 'she', first: 'the spade', second: 'the seeds', asks: 'the frost at the door', gift: 'a pear from the garden', where: 'back to the north' },
  { day: 'Sunday', who: 'the teacher', she: 'she', first: 'the books', second: 'the chalk', asks: 'the sun at the door', gift: 'a song for the evening', where: 'under the hill' }
]

const capital = (text: string): string => text[0].toUpperCase() + text.slice(1)

const verse = ({ day, who, she, first, second, asks, gift, where }: Verse): string => [
  `On ${day} ${who} is up before light.`,
  `${capital(she)} carries ${first}, ${she} carries ${second}.`,
  `"What will you give me?" says ${asks}.`,
  `"I give you ${gift}, and nothing more."`,
  `So ${asks.split(' ').slice(0, 2).join(' ')} takes ${gift} and says good night,`,
  `and goes with the gift ${where}, and away.`,
  `${capital(who)} sits down and looks after the light,`,
  `and that is the end of the work of the day.`
].join('\n')

export const DEFAULT_TEXT = `${VERSES.map(verse).join('\n\n')}\n`

/** A short name for a text in an address; nothing for the text above. (FNV-1a, G. Fowler, L. Noll, K. Vo, 1991.) */
export const fingerprint = (text: string): string => {
  if (text === DEFAULT_TEXT) return ''
  let hash = 0x811c9dc5
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0
  return hash.toString(36)
}
