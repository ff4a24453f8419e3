import { readFile, rm, writeFile } from 'node:fs/promises'
import { expect, test, vi } from 'vitest'

test('the code of the README prints what it says', async () => {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')
  const code = /```ts\n([\s\S]*?)```/.exec(readme)?.[1] ?? ''
  const promised = /\/\/ (\[.*\])$/m.exec(code)?.[1]
  const file = new URL('./readme.generated.ts', import.meta.url)
  await writeFile(file, code)
  const log = vi.spyOn(console, 'log').mockImplementation(() => undefined)
  try {
    await import(file.href)
    expect(log.mock.calls).toEqual([[JSON.parse(promised ?? 'null')]])
  } finally {
    log.mockRestore()
    await rm(file)
  }
})
