import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Level } from 'level'
import { Worker } from 'node:worker_threads'
import { afterEach, expect, test, vi } from 'vitest'
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

async function started(): Promise<LevelWriter> {
  const writer = new LevelWriter()
  expect(await writer.ready()).toBe(true)
  return writer
}

const rows = (...pairs: [string, string][]) =>
  WriteBatch.of(pairs.map(([key, value]) => ({ key: utf8(key), value: utf8(value) }))).take()

afterEach(async () => {
  for (const place of places.splice(0)) await rm(place, { recursive: true, force: true })
})

test('level writer: what it has written is read here at once, and it lets go of a database', async () => {
  const writer = await started()
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
  const writer = await started()
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

test('level writer: where no thread can be had there is one warning, and it says why', async () => {
  const warnings: string[] = []
  const listen = ({ message }: Error) => warnings.push(message)
  process.on('warning', listen)
  const missing = new LevelWriter(() => new Worker(join(tmpdir(), 'no-such-file.js')))
  const forbidden = new LevelWriter(() => {
    throw new Error('not allowed here')
  })
  expect([await missing.ready(), await missing.ready(), await forbidden.ready()]).toEqual([
    false,
    false,
    false,
  ])
  // It closes what it never had, as an engine asks it to.
  await missing.close(await newPlace())
  // Warnings are told in the next turn.
  await vi.waitFor(() => expect(warnings).toHaveLength(2))
  process.off('warning', listen)
  expect(warnings[0]).toMatch(/without a thread of its own.*no-such-file/)
  expect(warnings[1]).toMatch(/not allowed here/)
})

test('level writer: a thread that ends fails what it had to write, and the next write starts another', async () => {
  const threads: Worker[] = []
  const writer = new LevelWriter(() => {
    const thread = new Worker(
      `const { parentPort } = require('node:worker_threads')
       parentPort.postMessage('ready')
       parentPort.on('message', ({ id, directory }) => directory === '/ends' ? process.exit(3) : parentPort.postMessage({ id }))`,
      { eval: true },
    )
    threads.push(thread)
    return thread
  })
  expect(await writer.ready()).toBe(true)
  await writer.write('/stays', OPTIONS, rows(['a', '1']))
  await expect(writer.write('/ends', OPTIONS, rows(['a', '1']))).rejects.toThrow(/thread .* has ended/)
  expect(await writer.ready()).toBe(true)
  await writer.write('/stays', OPTIONS, rows(['a', '1']))
  expect(threads).toHaveLength(2)
  await threads[1]!.terminate()
})
