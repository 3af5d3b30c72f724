import { cp, mkdtemp, readFile, readdir, rename, rm, truncate, writeFile } from 'node:fs/promises'
import { Buffer } from 'node:buffer'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { utf8, utf8Text } from '../../../lib/common/bytes.ts'
import { damageOf } from '../../../lib/common/level/check-database.ts'
import { maskedCrc } from '../../../lib/common/level/masked-crc.ts'
import { logRecords } from '../../../lib/common/level/log-records.ts'
import { openLevelEngine } from '../../../lib/store/engine/level-engine.ts'
import { WriteBatch, type EngineWrite } from '../../../lib/store/engine/write-batch.ts'
import { damagesOf, type Damage } from '../../support/file-damage.ts'
import { SeededRandom } from '../../support/seeded-random.ts'

/** Some 3 MiB: a few tables, and a log of some hundred KiB. */
const BATCHES = 70
const ROWS = 100
const KEYS = 2_000
const NUMBER = utf8('number')

/** The n-th batch, with its number in a row of its own. */
function batchOf(number: number): EngineWrite[] {
  const random = new SeededRandom(number)
  const rows = Array.from({ length: ROWS }, (): EngineWrite => {
    const key = utf8(`key-${random.below(KEYS)}`)
    if (random.below(5) === 0) return { key, value: null }
    // Half of it can be compressed, so that both kinds of blocks are there.
    const noise = Buffer.from(Array.from({ length: 300 }, () => random.below(256)))
    return { key, value: Buffer.concat([noise, Buffer.alloc(300, number)]) }
  })
  return [...rows, { key: NUMBER, value: utf8(String(number)) }]
}

type Content = Map<string, string>

/** What is there after so many batches, computed in the simplest way. */
function contentAfter(batches: number): Content {
  const content: Content = new Map()
  for (let number = 1; number <= batches; number += 1) {
    for (const { key, value } of batchOf(number)) {
      if (value === null) content.delete(utf8Text(key))
      else content.set(utf8Text(key), Buffer.from(value).toString('base64'))
    }
  }
  return content
}

const contents = new Map<number, Content>()
const home = await mkdtemp(join(tmpdir(), 'millrace-damage-'))
const whole = join(home, 'whole')
const killed = join(home, 'killed')
const older = join(home, 'older')

async function write(directory: string, from: number, to: number, whenOpen?: () => Promise<void>) {
  const engine = await openLevelEngine(directory)
  for (let number = from; number <= to; number += 1) await engine.write(WriteBatch.of(batchOf(number)))
  await whenOpen?.()
  await engine.close()
}

beforeAll(async () => {
  for (const part of [0, 1, 2, 3]) {
    const [from, to] = [Math.floor((part * BATCHES) / 4) + 1, Math.floor(((part + 1) * BATCHES) / 4)]
    await write(whole, from, to, () =>
      part === 3 ? cp(whole, killed, { recursive: true }) : Promise.resolve(),
    )
    if (part === 2) await cp(whole, older, { recursive: true })
  }
})

afterAll(() => rm(home, { recursive: true, force: true }))

/**
 * The number of the last batch in it, where all of it is there and nothing else; undefined where the engine
 * refuses the directory as damaged.
 */
async function openedAfter(directory: string): Promise<number | undefined> {
  const engine = await openLevelEngine(directory).catch((error: unknown) => {
    expect(error).toMatchObject({ code: 'TASK_CORRUPTED', message: expect.stringContaining(directory) })
    return undefined
  })
  if (!engine) return undefined
  const found: Content = new Map()
  for await (const [key, value] of engine.entries({})) {
    found.set(utf8Text(key), Buffer.from(value).toString('base64'))
  }
  const batches = Number(utf8Text(engine.get(NUMBER) ?? utf8('0')))
  await engine.close()
  if (!contents.has(batches)) contents.set(batches, contentAfter(batches))
  expect(found).toEqual(contents.get(batches))
  return batches
}

async function damaged(from: string, damage: Pick<Damage, 'inflict'>): Promise<string> {
  const directory = await mkdtemp(join(home, 'case-'))
  await cp(from, directory, { recursive: true })
  await damage.inflict(directory)
  return directory
}

test('what was closed, and what a process that was killed has left, is not damaged', async () => {
  for (const directory of [whole, killed, older]) expect(await damageOf(directory)).toBeUndefined()
  const nothing = { inflict: () => Promise.resolve() }
  expect(await openedAfter(await damaged(killed, nothing))).toBe(BATCHES)
  expect(await damageOf(join(home, 'nowhere'))).toBeUndefined()
})

test.each([['closed', whole] as const, ['killed', killed] as const])(
  'each file of a directory that was %s: what a damage leaves is refused, or exactly what some batches have made',
  async (_, from) => {
    const refused: string[] = []
    const kept: string[] = []
    for (const damage of await damagesOf(from, { older, places: [0, 0.13, 0.37, 0.5, 0.71, 0.9, 1] })) {
      const directory = await damaged(from, damage)
      const batches = await openedAfter(directory)
      const isLog = damage.file.endsWith('.log')
      if (batches === undefined) refused.push(`${damage.file} ${damage.what}`)
      else kept.push(damage.file)
      // A log that is cut at its end is as if the process had ended a little sooner.
      if (batches !== undefined && !isLog) expect([damage.file, batches]).toEqual([damage.file, BATCHES])
      await rm(directory, { recursive: true })
    }
    expect(refused.join('\n')).toMatch(/\.ldb deleted/)
    expect(refused.join('\n')).toMatch(/\.ldb flipped/)
    expect(refused.join('\n')).toMatch(/\.log flipped/)
    expect(refused.join('\n')).toMatch(/MANIFEST-\d+ deleted/)
    expect(refused.join('\n')).toMatch(/CURRENT deleted/)
    expect(kept).toEqual(expect.arrayContaining(['LOCK', 'LOG']))
  },
)

/** A file in LevelDB's log format. */
function logOf(records: readonly Buffer[]): Buffer {
  const pieces: Buffer[] = []
  let at = 0
  for (const record of records) {
    for (let from = 0, isFirst = true; isFirst || from < record.length; isFirst = false) {
      const room = 32_768 - (at % 32_768)
      if (room < 7) {
        pieces.push(Buffer.alloc(room))
        at += room
        from = isFirst ? 0 : from
        continue
      }
      const to = Math.min(record.length, from + room - 7)
      const isLast = to === record.length
      const type = isFirst ? (isLast ? 1 : 2) : isLast ? 4 : 3
      const body = Buffer.concat([Buffer.from([type]), record.subarray(from, to)])
      const head = Buffer.alloc(6)
      head.writeUInt32LE(maskedCrc(body), 0)
      head.writeUInt16LE(to - from, 4)
      pieces.push(head, body)
      at += 7 + to - from
      from = to
    }
  }
  return Buffer.concat(pieces)
}

test('two logs, as a process leaves them that is killed while a table is made: no hole between them goes unseen', async () => {
  const directory = await damaged(killed, { inflict: () => Promise.resolve() })
  const [log] = (await readdir(directory)).filter(name => name.endsWith('.log'))
  const records = logRecords(await readFile(join(directory, log!)), log!)
  const first = join(directory, log!)
  const second = join(directory, `${String(Number.parseInt(log!, 10) + 50).padStart(6, '0')}.log`)
  await writeFile(first, logOf(records.slice(0, 8)))
  await writeFile(second, logOf(records.slice(8)))
  const both = join(home, 'both')
  await cp(directory, both, { recursive: true })
  const at = (path: string, into: string) => path.replace(directory, into)

  const missing = { inflict: (into: string) => rm(at(first, into)) }
  const empty = { inflict: (into: string) => truncate(at(first, into), 0) }
  const short = { inflict: async (into: string) => writeFile(at(first, into), logOf(records.slice(0, 7))) }
  const cut = { inflict: (into: string) => truncate(at(second, into), 20_000) }
  const moved = { inflict: (into: string) => rename(at(second, into), at(first, into)) }
  for (const damage of [missing, empty, short, moved]) {
    expect(await openedAfter(await damaged(both, damage))).toBeUndefined()
  }
  expect(await openedAfter(await damaged(both, cut))).toBeLessThan(BATCHES)
  expect(await openedAfter(directory)).toBe(BATCHES)
})
