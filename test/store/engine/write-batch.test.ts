import fc from 'fast-check'
import { expect, test } from 'vitest'
import { hex, utf8 } from '../../../lib/common/bytes.ts'
import { forEachRow, WriteBatch, type EngineWrite } from '../../../lib/store/engine/write-batch.ts'

function rowsOf(batch: WriteBatch): string[] {
  const rows: string[] = []
  batch.forEach((key, value) => rows.push(rowText({ key, value })))
  return rows
}

function rowText({ key, value }: EngineWrite): string {
  return `${hex(key)}=${value === null ? 'deleted' : hex(value)}`
}

// Lengths around those at which bytes are copied in another way, or go into memory of their own.
const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 3 }),
  fc.integer({ min: 23, max: 26 }).map(length => new Uint8Array(length).fill(length)),
  fc.constantFrom(500, 5000, 300_000).map(length => new Uint8Array(length).fill(7)),
)
const write: fc.Arbitrary<EngineWrite> = fc.record({ key: bytes, value: fc.option(bytes) })

test('write batch: rows come as they were put, whole batches taken over included', () => {
  fc.assert(
    fc.property(fc.array(fc.array(write, { maxLength: 8 }), { maxLength: 6 }), groups => {
      const [whole, part] = [new WriteBatch(), new WriteBatch()]
      for (const [n, writes] of groups.entries()) {
        const target = n % 2 === 0 ? whole : part
        for (const { key, value } of writes) target.put(key, value)
        whole.takeFrom(part)
        expect([part.count, part.byteLength]).toEqual([0, 0])
      }
      const expected = groups.flat().map(rowText)
      expect(whole.count).toBe(expected.length)
      expect(rowsOf(whole)).toEqual(expected)
      const taken: string[] = []
      for (const rows of whole.take()) forEachRow(rows, (key, value) => taken.push(rowText({ key, value })))
      expect(taken).toEqual(expected)
      expect([whole.count, whole.byteLength, rowsOf(whole)]).toEqual([0, 0, []])
    }),
    { numRuns: 100 },
  )
})

test('write batch: bytes may be changed once they are put', () => {
  const batch = new WriteBatch()
  const [key, value] = [utf8('?'), new Uint8Array(100)]
  for (const code of [97, 98, 99]) batch.put(key.fill(code), value.fill(code))
  expect(rowsOf(batch).map(row => row.slice(0, 5))).toEqual(['61=61', '62=62', '63=63'])
})

test('write batch: what was taken is not written over by what follows', () => {
  const batch = WriteBatch.of([{ key: utf8('a'), value: utf8('1') }])
  const taken = batch.take()
  batch.put(utf8('b'), utf8('2'))
  const rows: string[] = []
  for (const each of taken) forEachRow(each, (key, value) => rows.push(rowText({ key, value })))
  expect(rows).toEqual([rowText({ key: utf8('a'), value: utf8('1') })])
})
