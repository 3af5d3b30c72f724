import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { UNLIMITED_END_MS, type Windowed } from '../../lib/common/windowed.ts'
import type { KGroupedStream, KTable } from '../../lib/dsl/api/kstream.ts'
import { StreamsBuilder } from '../../lib/dsl/methods/streams-builder.ts'
import { sessionWindows } from '../../lib/dsl/windows/session-windows.ts'
import { slidingWindows } from '../../lib/dsl/windows/sliding-windows.ts'
import { timeWindows } from '../../lib/dsl/windows/time-windows.ts'
import { unlimitedWindows } from '../../lib/dsl/windows/unlimited-windows.ts'
import type { Serde } from '../../lib/serde/serde.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import { TopologyTestDriver } from '../../lib/testing/topology-test-driver.ts'
import type { TimedRecord } from '../support/windowed-run.ts'
import { runWindowed } from '../support/windowed-run.ts'

// What the golden cases cannot show: user code that changes aggregates in place, times at the edge of what
// numbers hold, refusals.

const strings = { keySerde: serdes.string(), valueSerde: serdes.string() }
const lists = serdes.json<string[]>()

type Lists = KTable<Windowed<string>, string[], null> | KTable<Windowed<string>, string[], never>

interface UserCode {
  add(this: void, list: string[], value: string): string[]
  merge(this: void, left: string[], right: string[]): string[]
}

const inPlace: UserCode = {
  add: (list, value) => {
    list.push(value)
    return list
  },
  merge: (left, right) => {
    right.unshift(...left)
    return right
  },
}
const byCopy: UserCode = {
  add: (list, value) => [...list, value],
  merge: (left, right) => [...left, ...right],
}
const options = { valueSerde: lists, retentionMs: 10_000 }

const KINDS: readonly (readonly [
  string,
  (group: KGroupedStream<string, string>, code: UserCode) => Lists,
])[] = [
  [
    'hopping',
    (group, { add }) =>
      group
        .windowedBy(timeWindows({ sizeMs: 20, advanceMs: 7, graceMs: 10 }))
        .aggregate(() => [], add, options),
  ],
  [
    'sliding',
    (group, { add }) =>
      group
        .windowedBy(slidingWindows({ timeDifferenceMs: 12, graceMs: 10 }))
        .aggregate(() => [], add, options),
  ],
  [
    'session',
    (group, { add, merge }) =>
      group
        .windowedBy(sessionWindows({ inactivityGapMs: 5, graceMs: 50 }))
        .aggregate<string[]>(() => [], add, merge, options),
  ],
  [
    'cogrouped hopping',
    (group, { add }) =>
      group
        .cogroup<string[]>(add)
        .windowedBy(timeWindows({ sizeMs: 20, advanceMs: 7, graceMs: 10 }))
        .aggregate(() => [], { ...options, keySerde: serdes.string() }),
  ],
]

/**
 * Groups the windows by key again and concatenates what comes and goes: whoever sends a wrong old value
 * shows.
 */
function regrouped(records: readonly TimedRecord[], build: (group: KGroupedStream<string, string>) => Lists) {
  const builder = new StreamsBuilder()
  const table = build(builder.stream('in', strings).groupByKey()) as KTable<Windowed<string>, string[], null>
  table
    .groupBy((list, key) => [key.key, list.join('')], strings)
    .aggregate(
      {
        initializer: () => '',
        adder: (aggregate, value) => `${aggregate}+${value}`,
        subtractor: (aggregate, value) => `${aggregate}-${value}`,
      },
      strings,
    )
    .toStream()
    .to('out', strings as { keySerde: Serde<string>; valueSerde: Serde<string | null> } as never)
  using driver = new TopologyTestDriver(builder.build(), { config: { cacheBytesMax: 0 } })
  const input = driver.createInputTopic('in', strings)
  for (const { key, value, timestamp } of records) input.pipeInput(key, value, { timestamp })
  return driver.createOutputTopic('out', strings).readKeyValues()
}

describe('windowed aggregates', () => {
  const timedRecords = fc.array(
    fc
      .tuple(fc.constantFrom('a', 'b'), fc.nat(60), fc.constantFrom('x', 'y', 'z'))
      .map(([key, timestamp, value]): TimedRecord => ({ key, value, timestamp })),
    { maxLength: 25 },
  )

  it.each(KINDS)('%s: changed in place or copied, the results are the same, old values too', (_, build) => {
    fc.assert(
      fc.property(timedRecords, records => {
        const copied = regrouped(records, group => build(group, byCopy))
        expect(regrouped(records, group => build(group, inPlace))).toEqual(copied)
      }),
      { numRuns: 40 },
    )
  })

  it.each(KINDS)('%s: with a cache, what is sent adds up to the same table', (_, build) => {
    fc.assert(
      fc.property(timedRecords, records => {
        const serde = { valueSerde: lists, keySerde: serdes.sessionWindowed(serdes.string()) }
        const plain = runWindowed(records, stream => build(stream.groupByKey(), byCopy), serde)
        const cached = runWindowed(records, stream => build(stream.groupByKey(), inPlace), {
          ...serde,
          cacheBytesMax: 1_000_000,
        })
        expect(cached.table).toEqual(plain.table)
        expect(cached.dropped).toBe(plain.dropped)
      }),
      { numRuns: 20 },
    )
  })

  it.each(KINDS)('%s: a jump from 0 to the last exact time takes no time', (_, build) => {
    const times = [0, Number.MAX_SAFE_INTEGER, 5, Number.MAX_SAFE_INTEGER - 1]
    const records = times.map((timestamp, i) => ({ key: 'a', value: String(i), timestamp }))
    const found = runWindowed(records, stream => build(stream.groupByKey(), byCopy), {
      valueSerde: lists,
      keySerde: serdes.sessionWindowed(serdes.string()),
    })
    const last = [...found.table.values()].flatMap(([list]) => list)
    expect(last).toContain('1')
    expect(last).toContain('3')
    expect(last).not.toContain('2')
    expect(found.dropped).toBeGreaterThan(0)
  })

  it('on-window-close with a jump to the last exact time: sends what closed, once', () => {
    const records = [3, 14, 25, Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER].map((timestamp, i) => ({
      key: 'a',
      value: String(i),
      timestamp,
    }))
    const found = runWindowed(
      records,
      stream =>
        stream
          .groupByKey()
          .windowedBy(timeWindows({ sizeMs: 10, graceMs: 0 }))
          .emitStrategy('on-window-close')
          .count({ retentionMs: Number.MAX_SAFE_INTEGER }),
      { keySerde: serdes.windowed(serdes.string(), 10), valueSerde: serdes.int64() },
    )
    expect(found.changes.map(({ key }) => key)).toEqual(['a@0/10', 'a@10/20', 'a@20/30'])
  })

  it('unlimited: one window from its start on, without an end', () => {
    const records = [5, 10, Number.MAX_SAFE_INTEGER, 11].map(timestamp => ({
      key: 'a',
      value: 'v',
      timestamp,
    }))
    const found = runWindowed(
      records,
      stream =>
        stream
          .groupByKey()
          .windowedBy(unlimitedWindows({ startMs: 10 }))
          .count(),
      { keySerde: serdes.windowed(serdes.string(), Infinity), valueSerde: serdes.int64() },
    )
    expect(found.table).toEqual(new Map([[`a@10/${UNLIMITED_END_MS}`, [3, Number.MAX_SAFE_INTEGER]]]))
    expect(found.dropped).toBe(0)
  })
})

describe('definitions of windows', () => {
  it.each([
    () => timeWindows({ sizeMs: 0, graceMs: 0 }),
    () => timeWindows({ sizeMs: 10, advanceMs: 0, graceMs: 0 }),
    () => timeWindows({ sizeMs: 10, advanceMs: 11, graceMs: 0 }),
    () => timeWindows({ sizeMs: 10, graceMs: -1 }),
    () => timeWindows({ sizeMs: 1.5, graceMs: 0 }),
    () => slidingWindows({ timeDifferenceMs: -1, graceMs: 0 }),
    () => sessionWindows({ inactivityGapMs: 5, graceMs: Number.NaN }),
    () => unlimitedWindows({ startMs: -1 }),
  ])('%s is refused', define => {
    expect(define).toThrow(expect.objectContaining({ code: 'INVALID_WINDOWS' }))
  })

  it('cannot be changed', () => {
    const windows = timeWindows({ sizeMs: 10, graceMs: 0 })
    expect(windows).toEqual({ type: 'time', sizeMs: 10, advanceMs: 10, graceMs: 0 })
    expect(Object.isFrozen(windows)).toBe(true)
  })

  it('a retention that ends before the windows do is refused', () => {
    const group = new StreamsBuilder().stream('in', strings).groupByKey()
    const tooShort = expect.objectContaining({ code: 'RETENTION_TOO_SHORT' }) as Error
    const windows = timeWindows({ sizeMs: 10, graceMs: 5 })
    expect(() => group.windowedBy(windows).count({ retentionMs: 14 })).toThrow(tooShort)
    const sliding = slidingWindows({ timeDifferenceMs: 10, graceMs: 5 })
    expect(() => group.windowedBy(sliding).count({ retentionMs: 24 })).toThrow(tooShort)
    const sessions = sessionWindows({ inactivityGapMs: 10, graceMs: 5 })
    expect(() => group.windowedBy(sessions).count({ retentionMs: 14 })).toThrow(tooShort)
  })

  it('results of windows that never close cannot be sent at the close', () => {
    const windowed = new StreamsBuilder().stream('in', strings).groupByKey().windowedBy(unlimitedWindows())
    expect(() => windowed.emitStrategy('on-window-close')).toThrow(/never close/)
  })
})

describe('cogroup', () => {
  it('a step leaves the one before as it was; a group given twice has its later aggregator', () => {
    const builder = new StreamsBuilder()
    const left = builder.stream('left', strings).groupByKey()
    const right = builder.stream('right', strings).groupByKey()
    const one = left.cogroup<string>((aggregate, value) => aggregate + value)
    const both = one.cogroup(right, (aggregate, value) => `${aggregate}(${value})`)
    const again = both.cogroup(left, (aggregate, value) => `${aggregate}[${value}]`)
    one
      .aggregate(() => '', strings)
      .toStream()
      .to('one', strings)
    again
      .aggregate(() => '', strings)
      .toStream()
      .to('again', strings)
    using driver = new TopologyTestDriver(builder.build(), { config: { cacheBytesMax: 0 } })
    driver.createInputTopic('left', strings).pipeInput('k', 'l')
    driver.createInputTopic('right', strings).pipeInput('k', 'r')
    expect(driver.createOutputTopic('one', strings).readKeyValues()).toEqual([['k', 'l']])
    expect(driver.createOutputTopic('again', strings).readKeyValues()).toEqual([
      ['k', '[l]'],
      ['k', '[l](r)'],
    ])
  })

  it('streams of another builder are refused', () => {
    const mine = new StreamsBuilder().stream('in', strings).groupByKey()
    const other = new StreamsBuilder().stream('in', strings).groupByKey()
    const begun = mine.cogroup<string>((aggregate, value) => aggregate + value)
    expect(() => begun.cogroup(other, aggregate => aggregate)).toThrow(/two StreamsBuilders/)
  })
})
