import { mkdir, mkdtemp, readdir, rename, rm, rmdir, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { errorFrom, StreamsError } from '../../common/errors/errors.ts'
import { UsageError } from '../output/exit-code.ts'

/** What may lie in a folder that counts as empty: a repository that was made first. */
const IGNORED = new Set(['.git', '.DS_Store'])

/** Throws a `UsageError`, `DIRECTORY_NOT_EMPTY`, unless `force`; `NOT_A_DIRECTORY`. */
export async function checkTarget(directory: string, { force }: { readonly force: boolean }): Promise<void> {
  const found = await stat(directory).catch(ignoreMissing)
  if (!found) return
  if (!found.isDirectory()) throw new UsageError('NOT_A_DIRECTORY', `${directory} is a file`)
  if (force) return
  const names = (await readdir(directory)).filter(name => !IGNORED.has(name))
  if (names.length === 0) return
  const some = names.slice(0, 3).join(', ') + (names.length > 3 ? ', …' : '')
  const message =
    `${directory} holds files (${some}): name another directory, or add --force, which replaces those ` +
    'of the same names and leaves the others'
  throw new UsageError('DIRECTORY_NOT_EMPTY', message)
}

/**
 * Writes the files, by their paths in the directory, all or none: they are written beside it first and then
 * moved to their places, and what they replace is moved back where that fails. A signal waits until it is
 * done. Rejects with `PROJECT_NOT_WRITTEN`.
 */
export async function writeProject(directory: string, files: ReadonlyMap<string, string>): Promise<void> {
  const later = holdSignals()
  const undo: Undo[] = []
  try {
    await makeDirectory(dirname(directory), undo)
    const draft = await mkdtemp(join(dirname(directory), `.${basename(directory)}-`))
    const removeDraft = () => rm(draft, { recursive: true, force: true })
    undo.push(removeDraft)
    await writeDraft(draft, files)
    await makeDirectory(directory, undo)
    for (const path of files.keys()) await place(path, { draft, directory, undo })
    await removeDraft()
  } catch (reason) {
    for (const step of undo.reverse()) await step().catch(() => undefined)
    const cause = errorFrom(reason)
    throw new StreamsError('PROJECT_NOT_WRITTEN', `${directory} is left as it was: ${cause.message}`, {
      cause,
    })
  } finally {
    later()
  }
}

type Undo = () => Promise<unknown>

async function writeDraft(draft: string, files: ReadonlyMap<string, string>): Promise<void> {
  for (const [path, text] of files) {
    await mkdir(dirname(join(draft, 'new', path)), { recursive: true })
    await writeFile(join(draft, 'new', path), text)
  }
}

async function place(
  path: string,
  { draft, directory, undo }: { readonly draft: string; readonly directory: string; readonly undo: Undo[] },
): Promise<void> {
  const target = join(directory, path)
  const kept = join(draft, 'old', path)
  await makeDirectory(dirname(target), undo)
  if (await stat(target).catch(ignoreMissing)) {
    await mkdir(dirname(kept), { recursive: true })
    await rename(target, kept)
    undo.push(() => rename(kept, target))
  }
  await rename(join(draft, 'new', path), target)
  undo.push(() => rm(target))
}

/** With those above it that are missing, of which each can be taken back. */
async function makeDirectory(directory: string, undo: Undo[]): Promise<void> {
  if (await stat(directory).catch(ignoreMissing)) return
  await makeDirectory(dirname(directory), undo)
  await mkdir(directory)
  undo.push(() => rmdir(directory))
}

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
}

/** Returns what lets signals through again, and ends the process if one has come. */
function holdSignals(): () => void {
  let held: NodeJS.Signals | undefined
  const hold = (name: NodeJS.Signals) => (held = name)
  const names = ['SIGINT', 'SIGTERM'] as const
  for (const name of names) process.on(name, hold)
  return () => {
    for (const name of names) process.off(name, hold)
    if (held) process.kill(process.pid, held)
  }
}
