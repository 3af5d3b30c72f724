import { mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { afterAll, beforeAll } from 'vitest'

const fromRoot = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url))

/**
 * For a file of tests that start one program again and again: makes one JavaScript file of it, once, before
 * they run. Loaded one by one, through the loader of TypeScript, the library's 300 files take most of a
 * second of every start. Call it at the top; returns where the program's path is found.
 */
export function bundledChild(source: string): { readonly path: string } {
  let directory = ''
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'millrace-child-'))
    await build({
      // The thread is where the built package has it, as seen from one of its chunks.
      entryPoints: {
        'chunks/child': source,
        'store/engine/level-writer-thread': fromRoot('lib/store/engine/level-writer-thread.ts'),
      },
      outdir: directory,
      bundle: true,
      packages: 'external',
      format: 'esm',
      platform: 'node',
      outExtension: { '.js': '.js' },
      sourcemap: 'inline',
    })
    await symlink(fromRoot('node_modules'), join(directory, 'node_modules'))
  })
  afterAll(() => rm(directory, { recursive: true, force: true }))
  return {
    get path() {
      return join(directory, 'chunks/child.js')
    },
  }
}
