import { readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import {
  ClaimCheck,
  DirectoryPayloads,
  serdes,
  SerdePendingError,
  type PayloadStore,
} from '../../lib/index.ts'
import { fastClock } from '../support/fast-clock.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const TOPIC = { topic: 'reports' }
const LARGE = 'x'.repeat(2_000)

class MemoryPayloads implements PayloadStore {
  readonly content = new Map<string, Uint8Array>()
  readonly calls: string[] = []
  /** So many of the next calls are rejected. */
  failures = 0

  async put(id: string, bytes: Uint8Array): Promise<void> {
    this.#call('put')
    this.content.set(id, Uint8Array.from(bytes))
    return Promise.resolve()
  }

  async get(id: string): Promise<Uint8Array | undefined> {
    this.#call('get')
    return Promise.resolve(this.content.get(id))
  }

  #call(name: string): void {
    this.calls.push(name)
    if (this.failures === 0) return
    this.failures -= 1
    throw new Error('the store is down')
  }
}

function claimsOver(payloads: PayloadStore, more: { cacheBytesMax?: number; retriesMax?: number } = {}) {
  const options = { payloads, serde: serdes.string(), thresholdBytes: 1_000, ...more }
  return new ClaimCheck(options, { clock: fastClock(1_000) })
}

/** Reads as a source does: waits for what is pending. */
async function read(claims: ClaimCheck<string>, bytes: Uint8Array): Promise<string> {
  for (;;) {
    try {
      return claims.serde.deserialize(bytes, TOPIC)
    } catch (error) {
      if (!(error instanceof SerdePendingError)) throw error
      await error.settled
    }
  }
}

describe('a claim check', () => {
  it('leaves values up to the threshold where they are, readable by everybody', async () => {
    const payloads = new MemoryPayloads()
    const claims = claimsOver(payloads)
    const { serde } = claims
    expect(await claims.checkIn('small')).toBe('small')
    const bytes = serde.serialize('x'.repeat(1_000), TOPIC)
    expect(Buffer.from(bytes).toString()).toBe('x'.repeat(1_000))
    expect(serde.deserialize(bytes, TOPIC)).toBe('x'.repeat(1_000))
    expect(payloads.calls).toEqual([])
  })

  it('stores a larger value, and sends 40 bytes in its place, which another process reads', async () => {
    const payloads = new MemoryPayloads()
    const claims = claimsOver(payloads)
    expect(await claims.checkIn(LARGE)).toBe(LARGE)
    const bytes = claims.serde.serialize(LARGE, TOPIC)
    expect(bytes.length).toBe(40)
    expect(await read(claimsOver(payloads), bytes)).toBe(LARGE)
    expect(payloads.content.size).toBe(1)
    expect(payloads.calls).toEqual(['put', 'get'])
  })

  it('refuses to send a large value that was not stored', () => {
    const claims = claimsOver(new MemoryPayloads())
    expect(() => claims.serde.serialize(LARGE, TOPIC)).toThrow(
      expect.objectContaining({ code: 'CLAIM_NOT_STORED', message: expect.stringContaining('checkIn') }),
    )
  })

  it('sends on what it has read, without storing it again', async () => {
    const payloads = new MemoryPayloads()
    const claims = claimsOver(payloads)
    await claims.checkIn(LARGE)
    const bytes = claims.serde.serialize(LARGE, TOPIC)
    const other = claimsOver(payloads)
    expect(other.serde.serialize(await read(other, bytes), TOPIC)).toEqual(bytes)
    expect(payloads.calls).toEqual(['put', 'get'])
  })

  it('is not mistaken by values that look like claims', async () => {
    const claims = claimsOver(new MemoryPayloads())
    for (const text of ['MRCLAIM', 'MRCLAIM0', 'MRCLAIM1', `MRCLAIM1${'h'.repeat(32)}`, 'MRCLAIM0MRCLAIM1'])
      expect(await read(claims, claims.serde.serialize(text, TOPIC))).toBe(text)
    expect(() => claims.serde.deserialize(Buffer.from('MRCLAIM1short'), TOPIC)).toThrow('begin as a claim')
  })

  it('says that a payload is gone, or damaged, and looks again the next time', async () => {
    const payloads = new MemoryPayloads()
    const claims = claimsOver(payloads)
    await claims.checkIn(LARGE)
    const bytes = claims.serde.serialize(LARGE, TOPIC)
    const [[id, payload]] = [...payloads.content] as [[string, Uint8Array]]
    const other = claimsOver(payloads)
    payloads.content.clear()
    await expect(read(other, bytes)).rejects.toMatchObject({ code: 'CLAIM_GONE' })
    payloads.content.set(id, Buffer.from('something else'))
    await expect(read(other, bytes)).rejects.toMatchObject({ code: 'CLAIM_DAMAGED' })
    payloads.content.set(id, payload)
    expect(await read(other, bytes)).toBe(LARGE)
  })

  it('asks a store again that does not answer, and gives up in the end', async () => {
    const payloads = new MemoryPayloads()
    const claims = claimsOver(payloads)
    payloads.failures = 1
    await expect(claims.checkIn(LARGE)).rejects.toThrow('the store is down')
    await claims.checkIn(LARGE)
    const bytes = claims.serde.serialize(LARGE, TOPIC)
    payloads.failures = 3
    expect(await read(claimsOver(payloads, { retriesMax: 3 }), bytes)).toBe(LARGE)
    payloads.failures = 4
    await expect(read(claimsOver(payloads, { retriesMax: 3 }), bytes)).rejects.toMatchObject({
      code: 'PAYLOADS_UNAVAILABLE',
      message: expect.stringContaining('after 4 tries: the store is down') as string,
    })
  })

  it('asks once for a payload that several wait for, and keeps as many as there is room for', async () => {
    const payloads = new MemoryPayloads()
    const claims = claimsOver(payloads)
    const values = ['a', 'b', 'c'].map(letter => letter.repeat(2_000))
    for (const value of values) await claims.checkIn(value)
    const [a, b, c] = values.map(value => claims.serde.serialize(value, TOPIC)) as [
      Uint8Array,
      Uint8Array,
      Uint8Array,
    ]
    const other = claimsOver(payloads, { cacheBytesMax: 4_000 })
    payloads.calls.length = 0
    await Promise.all([read(other, a), read(other, a), read(other, b)])
    expect(payloads.calls.length).toBe(2)
    await read(other, a)
    await read(other, c)
    await read(other, a)
    expect(payloads.calls.length).toBe(3)
    await read(other, b)
    expect(payloads.calls.length).toBe(4)
    // One that is larger than all of the cache is read nevertheless.
    expect(await read(claimsOver(payloads, { cacheBytesMax: 0 }), a)).toBe(values[0])
  })

  it.each(['thresholdBytes', 'cacheBytesMax', 'retriesMax'])('refuses %s below 0', name => {
    const options = { payloads: new MemoryPayloads(), serde: serdes.string(), thresholdBytes: 1, [name]: -1 }
    expect(() => new ClaimCheck(options)).toThrow(`${name} is -1`)
  })
})

describe('payloads in a directory', () => {
  const ID = 'ab'.repeat(32)

  it('are there for another process, whole, and nothing else is', async () => {
    const directory = await temporaryDirectory()
    const bytes = Buffer.alloc(300_000, 7)
    await Promise.all([0, 1, 2].map(() => new DirectoryPayloads(directory).put(ID, bytes)))
    expect(await readdir(join(directory, 'ab'))).toEqual([ID])
    expect(Buffer.from((await new DirectoryPayloads(directory).get(ID))!)).toEqual(bytes)
    expect(await new DirectoryPayloads(directory).get('cd'.repeat(32))).toBeUndefined()
  })

  it('are not written again, but become young again', async () => {
    const directory = await temporaryDirectory()
    const payloads = new DirectoryPayloads(directory)
    await payloads.put(ID, Buffer.from('one'))
    const path = join(directory, 'ab', ID)
    await writeFile(path, 'marked')
    await utimes(path, 1, 1)
    await payloads.put(ID, Buffer.from('one'))
    expect(await readFile(path, 'utf8')).toBe('marked')
    const { mtimeMs } = await stat(path)
    expect(mtimeMs).toBeGreaterThan(1_000_000)
  })

  it('reject where the directory cannot be used, and what is no id', async () => {
    const file = join(await temporaryDirectory(), 'file')
    await writeFile(file, '')
    await expect(new DirectoryPayloads(file).put(ID, Buffer.from('one'))).rejects.toMatchObject({
      code: 'ENOTDIR',
    })
    await expect(new DirectoryPayloads(file).get(ID)).rejects.toMatchObject({ code: 'ENOTDIR' })
    await expect(new DirectoryPayloads(file).get('../../etc/passwd')).rejects.toThrow('is no id of a payload')
  })
})
