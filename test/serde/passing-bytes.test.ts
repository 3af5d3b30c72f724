import { Buffer } from 'node:buffer'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { passingBytes, passingText } from '../../lib/serde/passing-bytes.ts'
import { serdes } from '../../lib/serde/serdes.ts'

const texts = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 40 }),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.integer({ min: 1_000, max: 5_000 }).map(length => 'é'.repeat(length)),
)

test('bytes in passing: a text is what Buffer makes of it, four at a time', () => {
  fc.assert(
    fc.property(fc.tuple(texts, texts, texts, texts), four => {
      const passing = four.map(passingText)
      expect(passing.map(bytes => Buffer.from(bytes))).toEqual(four.map(text => Buffer.from(text, 'utf8')))
    }),
  )
})

test('bytes in passing: the fifth takes the place of the first', () => {
  const first = passingBytes(3).fill(1)
  for (const value of [2, 3, 4]) passingBytes(3).fill(value)
  expect([...first]).toEqual([1, 1, 1])
  passingBytes(3).fill(5)
  expect([...first]).toEqual([5, 5, 5])
})

test('bytes in passing: serdes write the same as otherwise', () => {
  const context = { topic: 't' }
  fc.assert(
    fc.property(texts, fc.maxSafeInteger(), fc.jsonValue(), (text, integer, json) => {
      const [string, int64, any] = [serdes.string(), serdes.int64(), serdes.json<unknown>()]
      expect([...string.serializeInPassing!(text, context)]).toEqual([...string.serialize(text, context)])
      expect([...int64.serializeInPassing!(integer, context)]).toEqual([...int64.serialize(integer, context)])
      expect([...any.serializeInPassing!(json, context)]).toEqual([...any.serialize(json, context)])
    }),
  )
})

test('bytes in passing: keys in windows are what they are otherwise, beside a value and what the partition is chosen by', () => {
  const context = { topic: 't' }
  const [windowed, session, int64] = [
    serdes.windowed(serdes.string(), 1000),
    serdes.sessionWindowed(serdes.string()),
    serdes.int64(),
  ]
  fc.assert(
    fc.property(texts, fc.nat(), fc.maxSafeInteger(), (key, startMs, value) => {
      for (const serde of [windowed, session]) {
        const inWindow = { key, window: { startMs, endMs: startMs + 1000 } }
        const keyBytes = serde.serializeInPassing!(inWindow, context)
        const valueBytes = int64.serializeInPassing!(value, context)
        serdes.string().serializeInPassing!(key, context)
        expect([...keyBytes]).toEqual([...serde.serialize(inWindow, context)])
        expect([...valueBytes]).toEqual([...int64.serialize(value, context)])
      }
    }),
  )
  expect(() => windowed.serializeInPassing!('no' as never, context)).toThrow(/without a window/)
})

test('bytes in passing: a value of bytes is its own memory, and checked', () => {
  const value = Uint8Array.of(1, 2)
  expect(serdes.bytes().serializeInPassing!(value, { topic: 't' })).toBe(value)
  expect(() => serdes.bytes().serializeInPassing!('no' as never, { topic: 't' })).toThrow(/Uint8Array/)
  expect(() => serdes.string().serializeInPassing!(1 as never, { topic: 't' })).toThrow(/strings/)
})
