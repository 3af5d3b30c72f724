import type { Buffer } from 'node:buffer'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { LevelBytes } from './level-bytes.ts'
import { DamageFound } from './damage-found.ts'
import { logRecords } from './log-records.ts'
import { readManifest, type Manifest } from './manifest.ts'
import { checkTable } from './table-blocks.ts'

const TABLES_AT_ONCE = 4
/** Files of a database that was never opened. */
const UNTOUCHED = /^(LOCK|LOG|LOG\.old|MANIFEST-000001|\d+\.dbtmp)$/

/**
 * Says what is wrong with the files of a LevelDB database that is not open; undefined where each of them
 * holds what was once written, or where there is none. LevelDB itself trusts its files: it leaves out what
 * its log cannot be read from and goes on behind the hole, hands out what a damaged table holds, and makes a
 * new database beside the tables of one that has lost its `CURRENT`. Each batch has the number that follows
 * the one before, so a hole shows. Reads everything: about a second a gigabyte.
 */
export async function damageOf(directory: string): Promise<string | undefined> {
  try {
    await checkFiles(directory)
    return undefined
  } catch (error) {
    if (error instanceof DamageFound) return error.message
    throw error
  }
}

async function checkFiles(directory: string): Promise<void> {
  const names = await readdir(directory).catch(absentAs([] as string[]))
  if (!names.includes('CURRENT')) {
    if (names.every(name => UNTOUCHED.test(name))) return
    throw new DamageFound('CURRENT is missing, which names the manifest')
  }
  const current = (await read(directory, 'CURRENT')).toString('latin1')
  if (!/^MANIFEST-\d+\n$/.test(current)) throw new DamageFound('CURRENT names no manifest')
  const name = current.trim()
  const manifest = readManifest(await read(directory, name), name)
  await checkLogs(directory, names, manifest)
  await checkTables(directory, new Set(names), manifest)
}

/** Checks that batches follow each other by number, across the files, too. */
async function checkLogs(directory: string, names: readonly string[], manifest: Manifest): Promise<void> {
  const logs = names
    .filter(name => /^\d+\.log$/.test(name) && numberOf(name) >= manifest.logNumber)
    .sort((left, right) => numberOf(left) - numberOf(right))
  if (manifest.logNumber > 0 && (logs[0] === undefined || numberOf(logs[0]) !== manifest.logNumber))
    throw new DamageFound(`${fileName(manifest.logNumber, 'log')} is missing`)
  let next: number | undefined
  for (const [place, log] of logs.entries()) {
    const batches = logRecords(await read(directory, log), log)
    if (batches.length > 0 && next === undefined && place > 0)
      throw new DamageFound(`the log before ${log} is empty`)
    for (const batch of batches) next = numberBehind(batch, { log, next, manifest })
  }
}

/**
 * The number behind a batch, which begins with the number of its first row (8 bytes) and the count of its
 * rows (4).
 */
function numberBehind(
  batch: Buffer,
  { log, next, manifest }: { readonly log: string; readonly next: number | undefined; manifest: Manifest },
): number {
  const reader = new LevelBytes(batch, log)
  const first = reader.fixed64()
  const isNext = next === undefined ? first <= manifest.lastSequence + 1 : first === next
  if (!isNext) throw new DamageFound(`batches are missing in ${log} before number ${first}`)
  return first + reader.fixed32()
}

async function checkTables(
  directory: string,
  names: ReadonlySet<string>,
  { tables }: Manifest,
): Promise<void> {
  const left = tables.entries()
  const checkNext = async (): Promise<void> => {
    for (const [number, bytes] of left) {
      // A table may have the older extension.
      const name = fileName(number, names.has(fileName(number, 'sst')) ? 'sst' : 'ldb')
      const table = await read(directory, name)
      if (table.length !== bytes)
        throw new DamageFound(`${name} has ${table.length} bytes instead of ${bytes}`)
      checkTable(table, name)
    }
  }
  await Promise.all(Array.from({ length: TABLES_AT_ONCE }, checkNext))
}

function numberOf(name: string): number {
  return Number.parseInt(name, 10)
}

function fileName(number: number, extension: 'log' | 'ldb' | 'sst'): string {
  return `${String(number).padStart(6, '0')}.${extension}`
}

/**
 * Reads a file. One that the disk cannot read any more counts as damaged; one that we may not read, or not
 * now, does not.
 */
async function read(directory: string, name: string): Promise<Buffer> {
  try {
    return await readFile(join(directory, name))
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') throw new DamageFound(`${name} is missing`)
    if (code === 'EIO') throw new DamageFound(`${name} cannot be read from the disk`)
    throw error
  }
}

function absentAs<T>(value: T): (error: NodeJS.ErrnoException) => T {
  return error => {
    if (error.code === 'ENOENT') return value
    throw error
  }
}
