import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Level } from 'level'
import { afterEach, expect, test } from 'vitest'
import { utf8, utf8Text } from '../../../lib/common/bytes.ts'
import { LevelWriter } from '../../../lib/store/engine/level-writer.ts'
import { WriteBatch } from '../../../lib/store/engine/write-batch.ts'

const OPTIONS = { keyEncoding: 'buffer', valueEncoding: 'buffer', multithreading: true }
const places: string[] = []

async function newPlace(): Promise<string> {
  const place = await mkdtemp(join(tmpdir(), 'millrace-writer-'))
  places.push(place)
  return place
}

const rows = (...pairs: [string, string][]) =>
  WriteBatch.of(pairs.map(([key, value]) => ({ key: utf8(key), value: utf8(value) }))).take()

afterEach(async () => {
  for (const place of places.splice(0)) await rm(place, { recursive: true, force: true })
})

test('level writer: what it has written is read here at once, and it lets go of a database', async () => {
  const writer = new LevelWriter()
  const place = await newPlace()
  const database = new Level<Uint8Array, Uint8Array>(place, OPTIONS)
  await database.open()
  await writer.write(place, OPTIONS, rows(['a', '1'], ['b', '2']))
  expect(utf8Text(database.getSync(utf8('b'))!)).toBe('2')
  await writer.close(place)
  await database.close()
  // Only when all threads have closed it, another process could open it; so could this one, without sharing.
  const alone = new Level<Uint8Array, Uint8Array>(place, { ...OPTIONS, multithreading: false })
  await alone.open()
  expect(utf8Text(alone.getSync(utf8('a'))!)).toBe('1')
  await alone.close()
})

test('level writer: a database that cannot be opened fails its own writes, with the code, and no others', async () => {
  const writer = new LevelWriter()
  const [good, bad] = [await newPlace(), join(await newPlace(), 'file')]
  await writeFile(bad, 'not a directory')
  const [refused, written] = await Promise.allSettled([
    writer.write(bad, OPTIONS, rows(['a', '1'])),
    writer.write(good, OPTIONS, rows(['a', '1'])),
  ])
  expect(refused).toMatchObject({ status: 'rejected', reason: { code: 'LEVEL_DATABASE_NOT_OPEN' } })
  expect(written.status).toBe('fulfilled')
  await writer.close(good)
})
