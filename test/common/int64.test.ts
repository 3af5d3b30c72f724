import { Buffer } from 'node:buffer'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readInt64, writeInt64 } from '../../lib/common/int64.ts'

const edges = [0, -1, 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, -(2 ** 32), -(2 ** 32) - 1]

test('int64: the eight bytes of a long, and the number they came from', () => {
  const numbers = fc.oneof(fc.maxSafeInteger(), fc.constantFrom(...edges))
  fc.assert(
    fc.property(numbers, value => {
      const bytes = Buffer.alloc(10, 0xaa)
      writeInt64(bytes, 1, value)
      expect(bytes.readBigInt64BE(1)).toBe(BigInt(value))
      expect([bytes[0], bytes[9]]).toEqual([0xaa, 0xaa])
      expect(readInt64(bytes, 1)).toBe(value)
    }),
  )
})

test('int64: no eight bytes are no number', () => {
  const bytes = Buffer.alloc(9)
  for (const at of [-1, 2, 9]) expect(() => readInt64(bytes, at)).toThrow(RangeError)
})
