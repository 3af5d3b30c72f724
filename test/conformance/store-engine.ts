import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { compareBytes, hex, utf8, utf8Text } from '../../lib/common/bytes.ts'
import type { Engine, EngineRange } from '../../lib/store/engine/engine.ts'
import { WriteBatch, type EngineWrite } from '../../lib/store/engine/write-batch.ts'

export interface EngineSubject {
  readonly name: string
  readonly persistent: boolean
  /** Opens the engine of a place; opening the same place again after a close finds what is there. */
  open(place: string): Promise<Engine>
  newPlace(): Promise<string>
  dispose(place: string): Promise<void>
}

const put = (key: string, value: string): EngineWrite => ({ key: utf8(key), value: utf8(value) })
const del = (key: string): EngineWrite => ({ key: utf8(key), value: null })

/** What every engine does. */
export function storeEngineSuite(subject: EngineSubject): void {
  const places: string[] = []
  const engines: Engine[] = []

  async function fresh(): Promise<{ engine: Engine; place: string }> {
    const place = await subject.newPlace()
    places.push(place)
    const engine = await subject.open(place)
    engines.push(engine)
    return { engine, place }
  }

  afterEach(async () => {
    for (const engine of engines.splice(0)) await engine.close()
    for (const place of places.splice(0)) await subject.dispose(place)
  })

  describe(`engine: ${subject.name}`, () => {
    test('says whether its content outlives the process', async () => {
      expect((await fresh()).engine.persistent).toBe(subject.persistent)
    })

    test('get: a written value, a deleted one, one that never was', async () => {
      const { engine } = await fresh()
      await write(engine, [put('a', '1'), put('b', '2')])
      await write(engine, [del('b')])
      expect(utf8Text(engine.get(utf8('a'))!)).toBe('1')
      expect(engine.get(utf8('b'))).toBeUndefined()
      expect(engine.get(utf8('c'))).toBeUndefined()
    })

    test('prepareFor: what is there stays, what follows comes behind it, and a restart finds all of it', async () => {
      const { engine, place } = await fresh()
      const large = 'x'.repeat(300_000)
      const read = (from: Engine) => ['a', 'b', 'c', 'd'].map(key => from.get(utf8(key))?.length)
      // Nobody waits for what was asked for before: the order is that of the calls.
      void write(engine, [put('a', '1'), put('b', large), put('d', '1')])
      void engine.prepareFor('bulk')
      void write(engine, [put('a', large), put('c', '12'), del('d')])
      void engine.prepareFor('bulk')
      void write(engine, [put('b', '12345')])
      await engine.prepareFor('steady')
      const expected = [large.length, 5, 2, undefined]
      expect(read(engine)).toEqual(expected)
      await write(engine, [put('c', '123')])
      expect(read(engine)).toEqual([large.length, 5, 3, undefined])
      if (!subject.persistent) return
      await engine.prepareFor('bulk')
      await write(engine, [put('d', '1')])
      await engine.close()
      const again = await subject.open(place)
      engines.push(again)
      expect(read(again)).toEqual([large.length, 5, 3, 1])
    })

    test('get: an empty value is not an absent one, and an empty key is a key', async () => {
      const { engine } = await fresh()
      await write(engine, [put('a', ''), { key: Uint8Array.of(0), value: Uint8Array.of(0) }])
      expect(engine.get(utf8('a'))).toHaveLength(0)
      expect(engine.get(Uint8Array.of(0))).toHaveLength(1)
    })

    test('get: the result is the caller’s, and changing it changes nothing', async () => {
      const { engine } = await fresh()
      await write(engine, [put('a', '1')])
      engine.get(utf8('a'))!.fill(0)
      expect(utf8Text(engine.get(utf8('a'))!)).toBe('1')
    })

    test('write: bytes that are changed after it resolved are not the engine’s', async () => {
      const { engine } = await fresh()
      const value = Uint8Array.of(1, 2)
      await write(engine, [{ key: utf8('a'), value }])
      value.fill(9)
      expect(engine.get(utf8('a'))).toEqual(Buffer.from([1, 2]))
    })

    test('write: the last of several writes to one key in a batch counts', async () => {
      const { engine } = await fresh()
      await write(engine, [put('a', '1'), del('a'), put('a', '2'), put('b', '1'), del('b')])
      expect(await text(engine, {})).toEqual(['a=2'])
    })

    test('write: calls take effect in order without being awaited', async () => {
      const { engine } = await fresh()
      const writes = Array.from({ length: 50 }, (_, n) =>
        write(engine, [put('a', String(n)), put(`k${n}`, '')]),
      )
      await Promise.all(writes)
      expect(utf8Text(engine.get(utf8('a'))!)).toBe('49')
    })

    test('write: large batches and small ones take effect in the order of the calls', async () => {
      const { engine, place } = await fresh()
      const many = (value: string) => Array.from({ length: 1000 }, (_, n) => put(`k${n}`, value))
      const writes = Array.from({ length: 20 }, (_, n) =>
        write(engine, n % 3 === 0 ? many(String(n)) : [put('k7', String(n)), del(`k${n}`)]),
      )
      await Promise.all(writes)
      // The last large one is the 19th: of those after it the deletion of k19 and the write of k7 are left.
      const expected = ['19', '18', '18', undefined, '18']
      const read = (from: Engine) =>
        ['k7', 'k8', 'k18', 'k19', 'k999']
          .map(key => from.get(utf8(key)))
          .map(value => value && utf8Text(value))
      expect(read(engine)).toEqual(expected)
      if (!subject.persistent) return
      await engine.close()
      const again = await subject.open(place)
      engines.push(again)
      expect(read(again)).toEqual(expected)
    })

    test('write: a large batch shows whole or not at all to whoever reads meanwhile', async () => {
      const { engine } = await fresh()
      const batch = Array.from({ length: 5000 }, (_, n) => put(`k${n}`, 'x'))
      const written = write(engine, batch)
      const sizes = [(await text(engine, {})).length, (await text(engine, {})).length]
      await written
      for (const size of sizes) expect([0, 5000]).toContain(size)
      expect(await text(engine, {})).toHaveLength(5000)
    })

    test('entries: bounds, direction and limit', async () => {
      const { engine } = await fresh()
      await write(
        engine,
        ['a', 'b', 'c', 'd'].map(key => put(key, '')),
      )
      const range = (options: EngineRange) => text(engine, options)
      expect(await range({ gte: utf8('b') })).toEqual(['b=', 'c=', 'd='])
      expect(await range({ lt: utf8('c') })).toEqual(['a=', 'b='])
      expect(await range({ gte: utf8('b'), lt: utf8('d'), reverse: true })).toEqual(['c=', 'b='])
      expect(await range({ limit: 2, reverse: true })).toEqual(['d=', 'c='])
      expect(await range({ gte: utf8('c'), lt: utf8('b') })).toEqual([])
    })

    test('entries: without values the keys are the same', async () => {
      const { engine } = await fresh()
      await write(engine, [put('a', '1'), put('b', '2'), put('c', '3')])
      const options = { gte: utf8('b'), values: false }
      expect(await text(engine, options)).toEqual(['b=', 'c='])
    })

    test('entries: a snapshot of the moment of the call', async () => {
      const { engine } = await fresh()
      await write(engine, [put('a', '1'), put('b', '1')])
      const entries = engine.entries({})
      await write(engine, [put('a', '2'), del('b'), put('c', '2')])
      const seen: string[] = []
      for await (const [key, value] of entries) seen.push(`${utf8Text(key)}=${utf8Text(value)}`)
      expect(seen).toEqual(['a=1', 'b=1'])
    })

    test('entries: may be left half-way', async () => {
      const { engine } = await fresh()
      await write(
        engine,
        Array.from({ length: 3000 }, (_, n) => put(`k${n}`, '')),
      )
      for await (const [key] of engine.entries({})) {
        expect(utf8Text(key)).toBe('k0')
        break
      }
    })

    test('clear: removes what lies in the range', async () => {
      const { engine } = await fresh()
      await write(
        engine,
        ['a', 'b', 'c'].map(key => put(key, '')),
      )
      await engine.clear({ gte: utf8('b'), lt: utf8('c') })
      expect(await text(engine, {})).toEqual(['a=', 'c='])
    })

    const reopened = subject.persistent ? 'everything that was written is there' : 'nothing is there'
    test(`reopening: ${reopened}`, async () => {
      const { engine, place } = await fresh()
      await write(engine, [put('a', '1'), put('b', '2')])
      await engine.close()
      engines.length = 0
      const again = await subject.open(place)
      engines.push(again)
      expect(await text(again, {})).toEqual(subject.persistent ? ['a=1', 'b=2'] : [])
    })

    test('against a naive sorted map: random batches and ranges', async () => {
      const key = fc.uint8Array({ maxLength: 3 }).filter(bytes => bytes.length > 0)
      const batch = fc.array(fc.record({ key, value: fc.option(fc.uint8Array({ maxLength: 4 })) }))
      const bounds = fc.record(
        { gte: key, lt: key, reverse: fc.boolean(), limit: fc.integer({ min: 0, max: 9 }) },
        { requiredKeys: [] },
      )
      await fc.assert(
        fc.asyncProperty(fc.array(batch, { maxLength: 5 }), fc.array(bounds), async (batches, ranges) => {
          const place = await subject.newPlace()
          const engine = await subject.open(place)
          const naive = new Map<string, EngineWrite>()
          for (const writes of batches) {
            await write(engine, writes)
            for (const write of writes) naive.set(hex(write.key), write)
          }
          for (const range of ranges) expect(await pairs(engine, range)).toEqual(select(naive, range))
          await engine.close()
          await subject.dispose(place)
        }),
        { numRuns: 30 },
      )
    })
  })
}

function write(engine: Engine, writes: readonly EngineWrite[]): Promise<void> {
  return engine.write(WriteBatch.of(writes))
}

async function text(engine: Engine, range: EngineRange): Promise<string[]> {
  const found: string[] = []
  for await (const [key, value] of engine.entries(range)) found.push(`${utf8Text(key)}=${utf8Text(value)}`)
  return found
}

async function pairs(engine: Engine, range: EngineRange): Promise<string[]> {
  const found: string[] = []
  for await (const [key, value] of engine.entries(range)) found.push(`${hex(key)}=${hex(value)}`)
  return found
}

function select(naive: ReadonlyMap<string, EngineWrite>, range: EngineRange): string[] {
  const { gte, lt, reverse, limit } = range
  const rows = [...naive.values()]
    .filter(({ value }) => value !== null)
    .filter(({ key }) => (!gte || compareBytes(key, gte) >= 0) && (!lt || compareBytes(key, lt) < 0))
    .sort((left, right) => compareBytes(left.key, right.key))
  if (reverse) rows.reverse()
  return rows.slice(0, limit ?? rows.length).map(({ key, value }) => `${hex(key)}=${hex(value!)}`)
}
