import { Buffer } from 'node:buffer'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { utf8Text } from '../../lib/common/bytes.ts'
import { Metrics } from '../../lib/common/metrics/metrics.ts'
import type { RawSource, RecordContext } from '../../lib/common/record-context.ts'
import type { KeyEntry } from '../../lib/store/memory/entry.ts'
import { WAS_ABSENT } from '../../lib/store/format/value-state.ts'
import { DirtyChanges } from '../../lib/store/memory/dirty-changes.ts'
import { TypedCache } from '../../lib/store/memory/typed-cache.ts'

const fetched = [Buffer.from('abcdefghij'), Buffer.from('0123456789')]

/** Some in a fetch buffer, some by themselves, some without; topics and headers change now and then. */
function contextOf(offset: number): RecordContext {
  const buffer = fetched[(offset >> 4) % 2]!
  const at = offset % 7
  const inBuffer = {
    buffer,
    keyStart: at,
    keyEnd: at + 1,
    valueStart: at,
    valueEnd: offset % 5 === 0 ? at - 1 : at + 3,
  }
  const sources: readonly (RawSource | undefined)[] = [
    { ...inBuffer, key: null, value: null },
    { key: Buffer.from([offset % 256]), value: null },
    undefined,
  ]
  return {
    topic: offset % 50 === 0 ? undefined : `t${offset >> 6}`,
    partition: offset % 90 === 0 ? 1 : 0,
    offset,
    timestamp: offset * 10 ** 9,
    headers: offset % 40 === 0 ? [{ key: 'h', value: null }] : [],
    source: sources[offset % 11 < 9 ? 0 : (offset % 11) - 8],
  }
}

/** As an error handler sees it. */
function shown({ topic, partition, offset, timestamp, headers, source }: RecordContext) {
  return { topic, partition, offset, timestamp, headers: headers.length, source: source && bytesOf(source) }
}

function bytesOf(source: RawSource) {
  const { buffer, keyStart, keyEnd, valueStart, valueEnd } = source as RawSource & {
    buffer?: Buffer
    keyStart: number
    keyEnd: number
    valueStart: number
    valueEnd: number
  }
  if (buffer === undefined) return [source.key, source.value].map(bytes => bytes && utf8Text(bytes))
  const slice = (start: number, end: number) => (end < start ? null : buffer.toString('utf8', start, end))
  return [slice(keyStart, keyEnd), slice(valueStart, valueEnd)]
}

function open(cacheBytesMax: number) {
  const cache = new TypedCache(() => 1e9, new Metrics().counter('evictions', {}))
  const held = new DirtyChanges<KeyEntry>(cache, { cacheBytesMax })
  const entries = Array.from({ length: 12 }, (_, n) => cache.enter(`k${n}`, undefined))
  return { cache, held, entries }
}

test('held changes: leave in the order of their last writes, with the contexts of those, however often they were written', () => {
  // So many writes of so few keys that places left behind are closed, several times.
  const writes = fc.array(fc.integer({ min: 0, max: 11 }), { minLength: 1, maxLength: 4000, size: 'max' })
  fc.assert(
    fc.property(fc.array(writes, { minLength: 1, maxLength: 3 }), rounds => {
      const { held, entries } = open(1e9)
      let offset = 0
      for (const round of rounds) {
        const naive = new Map<KeyEntry, RecordContext>()
        for (const n of round) {
          const entry = entries[n]!
          const context = contextOf((offset += 1))
          held.hold(entry, WAS_ABSENT, context)
          naive.delete(entry)
          naive.set(entry, context)
        }
        expect(held.size).toBe(naive.size)
        const released: unknown[] = []
        held.releaseAll(({ entry, context }) => {
          const { source } = context
          const bytes = source && [source.key, source.value].map(each => each && utf8Text(each))
          released.push([entry.id, { ...shown({ ...context, source: undefined }), source: bytes }])
        })
        expect(released).toEqual(Array.from(naive, ([{ id }, context]) => [id, shown(context)]))
        expect(held.size).toBe(0)
      }
    }),
    // Making so long a list shorter takes minutes.
    { numRuns: 30, endOnFailure: true },
  )
})

test('held changes: what is written while others are released is held anew, or leaves as it is by then', () => {
  const { held, entries } = open(1e9)
  const [a, b, c] = entries as [KeyEntry, KeyEntry, KeyEntry]
  for (const [n, entry] of [a, b, c].entries()) held.hold(entry, WAS_ABSENT, contextOf(n + 1))
  const released: string[] = []
  held.releaseAll(({ entry, context }) => {
    released.push(`${entry.id}@${context.offset}`)
    if (entry !== a) return
    held.hold(c, WAS_ABSENT, contextOf(101))
    held.hold(a, WAS_ABSENT, contextOf(102))
    // A store that is overfull flushes from within a flush.
    held.releaseAll(inner => released.push(`within: ${inner.entry.id}@${inner.context.offset}`))
    held.hold(a, WAS_ABSENT, contextOf(103))
    held.hold(b, WAS_ABSENT, contextOf(104))
  })
  expect(released).toEqual(['k0@1', 'within: k0@102', 'k1@104', 'k2@101'])
  held.releaseAll(({ entry, context }) => released.push(`${entry.id}@${context.offset}`))
  expect(released.at(-1)).toBe('k0@103')
  expect(released).toHaveLength(5)
})
