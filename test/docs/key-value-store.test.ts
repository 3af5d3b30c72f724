import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, it } from 'vitest'
import { ROOT } from '../cli/built-cli.ts'
import { runChild } from '../support/run-child.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

it('the page of key-value stores: its program does what the page says', async () => {
  const page = await readFile(join(ROOT, 'docs/key-value-store.md'), 'utf8')
  const blocks = Array.from(page.matchAll(/^```ts\n(.*?)^```$/gms), ([, code]) => code!)
  const [imports = '', readAndWrite = '', versions = ''] = blocks
  const [open = '', close = ''] = readAndWrite.split(/(?=^await countries\.close)/m)
  const shown = 'console.log(hits.get("home"))\nawait hits.close()\n'
  const program = [imports, open, versions, shown, close, 'process.exit(0)\n'].join('\n')
  const lib = pathToFileURL(join(ROOT, 'lib/index.ts')).href
  const file = join(await temporaryDirectory(), 'example.mts')
  await writeFile(file, program.replace(/'millrace'/, JSON.stringify(lib)))
  const lines = (await runChild(file)).split('\n')
  expect(lines.filter(line => /^(South Sudan|\d+$)/.test(line))).toEqual(['South Sudan false 1', '2'])
})
