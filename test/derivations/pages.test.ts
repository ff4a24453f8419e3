import { readdir, readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { pages } from '../../docs/pages.js'

const folder = new URL('../../docs/derivations/', import.meta.url)

test('the pages of the derivations are those that `npm run derivations` writes', async () => {
  const expected = pages()
  expect((await readdir(folder)).sort()).toEqual(Array.from(expected.keys()).sort())
  for (const [file, text] of expected) expect(await readFile(new URL(file, folder), 'utf8'), file).toBe(text)
})
