import { chmod, mkdir, readdir, rename, rm, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { FolderWatch } from '../../lib/cli/load/folder-watch.ts'
import { systemClock } from '../../lib/common/clock.ts'
import { directoryWith } from './cli-process.ts'

async function watching(files: { readonly [name: string]: string }, ignored: readonly string[] = []) {
  const folder = await directoryWith(files)
  const options = {
    clock: systemClock,
    file: join(folder, 'app.ts'),
    ignored: ignored.map(path => join(folder, path)),
  }
  const watch = await FolderWatch.open(folder, options)
  onTestFinished(() => watch.close())
  const { signal } = new AbortController()
  const next = async () => (await watch.changes(signal)).map(path => path.slice(folder.length + 1)).sort()
  const write = (name: string, text = '') => writeFile(join(folder, name), text)
  return { folder, watch, next, write }
}

it('tells a file that is written, is made, replaces another, or goes', async () => {
  const { folder, next, write } = await watching({ 'app.ts': '', 'other.ts': '' })
  await write('app.ts', 'more')
  expect(await next()).toEqual(['app.ts'])
  await write('new.json')
  expect(await next()).toEqual(['new.json'])
  await rename(join(folder, 'new.json'), join(folder, 'other.ts'))
  expect(await next()).toEqual(['new.json', 'other.ts'])
  await rm(join(folder, 'app.ts'))
  expect(await next()).toEqual(['app.ts'])
  await write('app.ts', 'again')
  expect(await next()).toEqual(['app.ts'])
})

it('tells what is in a folder that is made, moved here, or made again', async () => {
  const { folder, next, write } = await watching({ 'app.ts': '' })
  await mkdir(join(folder, 'a/b'), { recursive: true })
  await write('a/b/x.ts')
  expect(await next()).toEqual(['a/b/x.ts'])
  await write('a/b/x.ts', 'more')
  expect(await next()).toEqual(['a/b/x.ts'])
  await rm(join(folder, 'a'), { recursive: true })
  expect(await next()).toEqual(['a/b/x.ts'])
  await rename(join(await directoryWith({ 'a/c/y.ts': '' }), 'a'), join(folder, 'a'))
  expect(await next()).toEqual(['a/c/y.ts'])
  await write('a/c/y.ts', 'more')
  expect(await next()).toEqual(['a/c/y.ts'])
})

it('tells nothing of packages, builds, state, other files, and files that are only touched in their rights', async () => {
  const names = [
    'node_modules/p/x.ts',
    'dist/x.js',
    '.git/x.json',
    'state/x.json',
    'deep/node_modules/x.ts',
    'x.log',
  ]
  const { folder, watch, next, write } = await watching(
    { 'app.ts': '', 'later/x.json': '', ...Object.fromEntries(names.map(name => [name, ''])) },
    ['state'],
  )
  await chmod(join(folder, 'app.ts'), 0o600)
  for (const name of names) await write(name, 'more')
  watch.ignore(join(folder, 'fresh'))
  await mkdir(join(folder, 'fresh'))
  await write('fresh/x.json')
  await write('last.ts')
  expect(await next()).toEqual(['last.ts'])
  expect(await readdir(join(folder, 'fresh'))).toEqual(['x.json'])
})

it('a change that comes while nobody waits is told later', async () => {
  const { folder, next } = await watching({ 'app.ts': '' })
  await utimes(join(folder, 'app.ts'), 1, 1)
  await systemClock.nextTurn()
  expect(await next()).toEqual(['app.ts'])
})
