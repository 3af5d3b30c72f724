import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Arena } from '../../lib/broker/embedded/log/arena.ts'
import { KeyOffsets } from '../../lib/broker/embedded/log/key-offsets.ts'
import { type StoredRecord, storedRecord } from '../../lib/broker/embedded/log/stored-record.ts'
import { bytesToMapKey } from '../../lib/common/bytes.ts'

const arena = new Arena()

function recordOf(key: Uint8Array, offset: number): StoredRecord {
  const record = { topic: 't', partition: 0, key, value: null, timestamp: 0, headers: [] }
  const stored = storedRecord(record, arena)
  stored.offset = offset
  return stored
}

test('key offsets: the answers of a map, for short keys that collide', () => {
  const keys = fc.array(fc.uint8Array({ maxLength: 3 }), { maxLength: 200 })
  fc.assert(
    fc.property(keys, keys, (written, asked) => {
      const offsets = new KeyOffsets()
      const expected = new Map<string, number>()
      written.forEach((key, offset) => {
        offsets.set(recordOf(key, offset))
        expected.set(bytesToMapKey(key), offset)
      })
      expect(offsets.size).toBe(expected.size)
      for (const key of [...written, ...asked])
        expect(offsets.get(recordOf(key, 0))).toBe(expected.get(bytesToMapKey(key)))
    }),
  )
})

test('key offsets: every key is found after the tables have grown', () => {
  const offsets = new KeyOffsets()
  const keys = Array.from({ length: 20_000 }, (_, at) => Buffer.from(`key-${at}`))
  keys.forEach((key, at) => offsets.set(recordOf(key, at * 2 ** 33)))
  expect(keys.map(key => offsets.get(recordOf(key, 0)))).toEqual(keys.map((_, at) => at * 2 ** 33))
  expect(offsets.get(recordOf(Buffer.from('key-20000'), 0))).toBeUndefined()
})
