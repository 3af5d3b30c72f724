import { describe, expect, it } from 'vitest'
import { hex } from '../../lib/common/bytes.ts'
import { UNLIMITED_END_MS } from '../../lib/common/windowed.ts'
import { serdes } from '../../lib/serde/serdes.ts'

const context = { topic: 't' }
const text = serdes.string()

describe('serdes of windowed keys', () => {
  it('time windows: the key, then the start, as Kafka Streams writes them', () => {
    const serde = serdes.windowed(text, 10)
    const bytes = serde.serialize(
      { key: 'ab', window: { startMs: 1_700_000_000_000, endMs: 1_700_000_000_010 } },
      context,
    )
    expect(hex(bytes)).toBe('61620000018bcfe56800')
    expect(serde.deserialize(bytes, context)).toEqual({
      key: 'ab',
      window: { startMs: 1_700_000_000_000, endMs: 1_700_000_000_010 },
    })
  })

  it('sessions: the key, then the end, then the start', () => {
    const serde = serdes.sessionWindowed(text)
    const bytes = serde.serialize({ key: 'a', window: { startMs: 1, endMs: 258 } }, context)
    expect(hex(bytes)).toBe('6100000000000001020000000000000001')
    expect(serde.deserialize(bytes, context)).toEqual({ key: 'a', window: { startMs: 1, endMs: 258 } })
  })

  it.each([0, 2 ** 32 - 1, 2 ** 32, Number.MAX_SAFE_INTEGER, 2 ** 53])(
    'a start of %d comes back',
    startMs => {
      const serde = serdes.windowed(text, 0)
      const windowed = { key: '', window: { startMs, endMs: startMs } }
      expect(serde.deserialize(serde.serialize(windowed, context), context)).toEqual(windowed)
    },
  )

  it('unlimited windows end at the largest time of Kafka Streams', () => {
    const serde = serdes.windowed(text, Infinity)
    const windowed = { key: 'a', window: { startMs: 7, endMs: UNLIMITED_END_MS } }
    expect(serde.deserialize(serde.serialize(windowed, context), context)).toEqual(windowed)
  })

  it('refuse bytes that are too short for a window, and keys without one', () => {
    const data = expect.objectContaining({ code: 'SERDE_DATA' }) as Error
    expect(() => serdes.windowed(text, 1).deserialize(new Uint8Array(7), context)).toThrow(data)
    expect(() => serdes.sessionWindowed(text).deserialize(new Uint8Array(15), context)).toThrow(data)
    const type = expect.objectContaining({ code: 'SERDE_TYPE' }) as Error
    expect(() => serdes.windowed(text, 1).serialize('a' as never, context)).toThrow(type)
    expect(() => serdes.windowed(text, Number.NaN)).toThrow(TypeError)
  })
})
