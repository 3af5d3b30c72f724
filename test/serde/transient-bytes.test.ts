import { Buffer } from 'node:buffer'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { transientBytes, transientText } from '../../lib/serde/transient-bytes.ts'
import { serdes } from '../../lib/serde/serdes.ts'

const texts = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 40 }),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.integer({ min: 1_000, max: 5_000 }).map(length => 'é'.repeat(length)),
)

test('transient bytes: a text is what Buffer makes of it, four at a time', () => {
  fc.assert(
    fc.property(fc.tuple(texts, texts, texts, texts), four => {
      const passing = four.map(transientText)
      expect(passing.map(bytes => Buffer.from(bytes))).toEqual(four.map(text => Buffer.from(text, 'utf8')))
    }),
  )
})

test('transient bytes: the fifth takes the place of the first', () => {
  const first = transientBytes(3).fill(1)
  for (const value of [2, 3, 4]) transientBytes(3).fill(value)
  expect([...first]).toEqual([1, 1, 1])
  transientBytes(3).fill(5)
  expect([...first]).toEqual([5, 5, 5])
})

test('transient bytes: serdes write the same as otherwise', () => {
  const context = { topic: 't' }
  fc.assert(
    fc.property(texts, fc.maxSafeInteger(), fc.jsonValue(), (text, integer, json) => {
      const [string, int64, any] = [serdes.string(), serdes.int64(), serdes.json<unknown>()]
      expect([...string.serializeTransient!(text, context)]).toEqual([...string.serialize(text, context)])
      expect([...int64.serializeTransient!(integer, context)]).toEqual([...int64.serialize(integer, context)])
      expect([...any.serializeTransient!(json, context)]).toEqual([...any.serialize(json, context)])
    }),
  )
})

test('transient bytes: keys in windows are what they are otherwise, beside a value and what the partition is chosen by', () => {
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
        const keyBytes = serde.serializeTransient!(inWindow, context)
        const valueBytes = int64.serializeTransient!(value, context)
        serdes.string().serializeTransient!(key, context)
        expect([...keyBytes]).toEqual([...serde.serialize(inWindow, context)])
        expect([...valueBytes]).toEqual([...int64.serialize(value, context)])
      }
    }),
  )
  expect(() => windowed.serializeTransient!('no' as never, context)).toThrow(/without a window/)
})

test('transient bytes: a value of bytes is its own memory, and checked', () => {
  const value = Uint8Array.of(1, 2)
  expect(serdes.bytes().serializeTransient!(value, { topic: 't' })).toBe(value)
  expect(() => serdes.bytes().serializeTransient!('no' as never, { topic: 't' })).toThrow(/Uint8Array/)
  expect(() => serdes.string().serializeTransient!(1 as never, { topic: 't' })).toThrow(/strings/)
})
