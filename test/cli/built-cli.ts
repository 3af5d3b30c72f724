import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { eventually } from '../support/eventually.ts'

export const ROOT = fileURLToPath(new URL('../..', import.meta.url))
export const WORD_COUNT = join(ROOT, 'topologies/word-count.ts')

const MAIN = join(ROOT, 'dist/cli/main.js')
const LOCK = join(ROOT, 'node_modules/.millrace-build')
const LOCK_MS_MAX = 180_000

/** Says which run of the tests has built last: the parent of its workers. */
const STAMP = join(ROOT, 'dist/.built-for')

/**
 * The built program; built now, if the sources are newer, but once in a run of the tests at most. Test files
 * run side by side, so one of them builds and the others wait.
 */
export function builtCli(): Promise<string> {
  built ??= buildIfStale()
  return built
}

/**
 * Asked once a test file: sources that are edited meanwhile must not change the program under the feet of its
 * tests.
 */
let built: Promise<string> | undefined

async function buildIfStale(): Promise<string> {
  if (await isFresh()) return MAIN
  await eventually(lock, { limitMs: LOCK_MS_MAX, pauseMs: 100, what: `the lock ${LOCK}` })
  try {
    if (!(await isFresh())) await build()
  } finally {
    await rm(LOCK, { recursive: true })
  }
  return MAIN
}

async function build(): Promise<void> {
  await promisify(execFile)('npm', ['run', 'build'], { cwd: ROOT })
  await writeFile(STAMP, `${process.ppid}`)
}

async function isFresh(): Promise<boolean> {
  if (!existsSync(MAIN)) return false
  const stamp = await readFile(STAMP, 'utf8').catch(() => '')
  return stamp === `${process.ppid}` || (await newestSourceMs()) <= (await stat(MAIN)).mtimeMs
}

async function newestSourceMs(): Promise<number> {
  const entries = await readdir(join(ROOT, 'lib'), { recursive: true, withFileTypes: true })
  const files = entries.filter(entry => entry.isFile())
  const times = files.map(async ({ parentPath, name }) => (await stat(join(parentPath, name))).mtimeMs)
  return Math.max(...(await Promise.all(times)))
}

/** A lock that a killed run has left behind is taken over. */
async function lock(): Promise<boolean> {
  const held = await stat(LOCK).catch(() => undefined)
  if (held && Date.now() - held.mtimeMs > LOCK_MS_MAX / 2) await rm(LOCK, { recursive: true, force: true })
  return mkdir(LOCK).then(
    () => true,
    () => false,
  )
}
