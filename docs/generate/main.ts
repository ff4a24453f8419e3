/**
 * Writes what the site takes from the library: the pages of the derivations, and who is where. `npm run generate --prefix docs`
 */
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { chapters } from '../../laws/derivations/index.js'
import { slug, titleOf } from '../pages.js'
import { apiPages, apiSidebar } from './api.js'
import { derivationPages } from './derivations.js'
import { derivationMap } from './map.js'
import { sourcePages } from './sources.js'

const site = new URL('../site/', import.meta.url)

const write = async (folder: string, files: ReadonlyMap<string, string>): Promise<void> => {
  const place = new URL(`${folder}/`, site)
  await rm(place, { recursive: true, force: true })
  await mkdir(place, { recursive: true })
  await Promise.all(Array.from(files, ([file, text]) => writeFile(new URL(file, place), text)))
}

const sidebar = chapters.map(({ title, pages }) => ({
  text: title, items: pages.map(({ derivation: { name } }) => ({ text: titleOf(name), link: `/derivations/${slug(name)}` }))
}))

const { pages, data } = await derivationPages()
await write('derivations', pages)
await write('api', apiPages())
await write('public/source', await sourcePages())
await write('.vitepress/generated', new Map([
  ['derivationSidebar.json', JSON.stringify(sidebar)], ['apiSidebar.json', JSON.stringify(apiSidebar())], ['map.json', JSON.stringify(derivationMap())]
]))
await write('.vitepress/generated/steps', data)
