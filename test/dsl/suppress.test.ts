import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { StreamsBuilder } from '../../lib/dsl/methods/streams-builder.ts'
import type { Suppressed, UntilTimeLimitOptions } from '../../lib/dsl/options/suppressed.ts'
import { untilTimeLimit, untilWindowCloses } from '../../lib/dsl/options/suppressed.ts'
import { timeWindows } from '../../lib/dsl/windows/time-windows.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import { TopologyTestDriver } from '../../lib/testing/topology-test-driver.ts'

// What the golden cases do not show: many changes against a naive computation, times near 2^53, what is
// refused.

const text = { keySerde: serdes.string(), valueSerde: serdes.string() }
const nullable = text as never
const uncached = { config: { cacheBytesMax: 0 } }

interface Update {
  readonly key: string
  readonly value: string | null
  readonly timestamp: number
}

type Row = readonly [key: string, value: string | null, timestamp: number]

const updates = fc
  .record({
    base: fc.constantFrom(0, Number.MAX_SAFE_INTEGER - 300),
    updates: fc.array(
      fc.record({
        key: fc.constantFrom('a', 'b', 'ä', 'bb'),
        isNull: fc.integer({ min: 0, max: 5 }).map(n => n === 0),
        timestamp: fc.nat(300),
      }),
      { maxLength: 40 },
    ),
  })
  .map(({ base, updates: list }): Update[] =>
    list.map(({ key, isNull, timestamp }, i) => ({
      key,
      value: isNull ? null : `v${i}`,
      timestamp: base + timestamp,
    })),
  )

function suppressedTable(suppressed: Suppressed<string>) {
  const builder = new StreamsBuilder()
  builder.table('in', text).suppress(suppressed).toStream().to('out', text)
  return builder.build()
}

function feed(driver: TopologyTestDriver, list: readonly Update[]): Row[] {
  const input = driver.createInputTopic<string, string | null>('in', nullable)
  for (const { key, value, timestamp } of list) input.pipeInput(key, value, { timestamp })
  const output = driver.createOutputTopic<string, string | null>('out', nullable)
  return output.readRecords().map(({ key, value, timestamp }) => [key ?? '', value, timestamp])
}

/** Rows that wait, looked through as a whole for each change. */
function naively(list: readonly Update[], limitMs: number, recordsMax: number): Row[] {
  const results: Row[] = []
  let waiting: (Update & { readonly firstMs: number })[] = []
  let streamTime = -1
  for (const update of list) {
    streamTime = Math.max(streamTime, update.timestamp)
    const before = waiting.find(({ key }) => key === update.key)
    waiting = waiting.filter(row => row !== before)
    waiting.push({ ...update, firstMs: before?.firstMs ?? update.timestamp })
    waiting.sort((one, two) => one.firstMs - two.firstMs || Buffer.compare(bytes(one.key), bytes(two.key)))
    while (waiting[0] && (streamTime - waiting[0].firstMs >= limitMs || waiting.length > recordsMax)) {
      const { key, value, timestamp } = waiting.shift()!
      results.push([key, value, timestamp])
    }
  }
  return results
}

const bytes = (key: string) => Buffer.from(key, 'utf8')

describe('dsl: suppress until a time limit', () => {
  it('gives what looking through all rows that wait gives', () => {
    const limits = { timeLimitMs: fc.nat(200), recordsMax: fc.oneof(fc.nat(4), fc.constant(undefined)) }
    fc.assert(
      fc.property(fc.record(limits), updates, ({ timeLimitMs, recordsMax }, list) => {
        const buffer =
          recordsMax === undefined ? 'unbounded' : ({ recordsMax, whenFull: 'emit-early' } as const)
        using driver = new TopologyTestDriver(
          suppressedTable(untilTimeLimit({ timeLimitMs, buffer })),
          uncached,
        )
        expect(feed(driver, list)).toEqual(naively(list, timeLimitMs, recordsMax ?? Infinity))
      }),
      { numRuns: 80 },
    )
  })

  it('never holds more bytes than its limit, and nothing is lost', () => {
    fc.assert(
      fc.property(fc.nat(400), updates, (bytesMax, list) => {
        const options: UntilTimeLimitOptions = {
          timeLimitMs: 1_000,
          buffer: { bytesMax, whenFull: 'emit-early' },
        }
        using driver = new TopologyTestDriver(suppressedTable(untilTimeLimit(options)), uncached)
        const last = new Map(feed(driver, list).map(([key, value]) => [key, value]))
        expect(driver.metricTotal('suppression-buffer-size')).toBeLessThanOrEqual(bytesMax)
        const waiting = driver.metricTotal('suppression-buffer-count')
        const behind = new Set(list.map(({ key }) => key)).size
        const current = new Map(list.map(({ key, value }) => [key, value]))
        const same = [...current].filter(([key, value]) => last.has(key) && last.get(key) === value).length
        expect(same + waiting).toBeGreaterThanOrEqual(behind)
      }),
      { numRuns: 80 },
    )
  })

  it('ends the application when a buffer that must not emit is full', () => {
    const options: UntilTimeLimitOptions = {
      timeLimitMs: 100,
      buffer: { recordsMax: 1, whenFull: 'shut-down' },
    }
    using driver = new TopologyTestDriver(suppressedTable(untilTimeLimit(options)), uncached)
    const input = driver.createInputTopic('in', text)
    input.pipeInput('a', '1', { timestamp: 0 })
    expect(() => input.pipeInput('b', '2', { timestamp: 1 })).toThrow(
      /buffer of "KTABLE-SUPPRESS-\d+" is full: 2 of 1 records/,
    )
  })

  it('shows a row that waits as it was before to a join below', () => {
    const builder = new StreamsBuilder()
    const table = builder
      .table('in', text)
      .suppress(untilTimeLimit({ timeLimitMs: 10, buffer: 'unbounded', name: 'held' }))
    builder
      .stream('asks', text)
      .leftJoin(table, (ask, row) => `${ask}:${row}`)
      .to('out', text)
    using driver = new TopologyTestDriver(builder.build(), uncached)
    const input = driver.createInputTopic('in', text)
    const asks = driver.createInputTopic('asks', text)
    input.pipeInput('a', '1', { timestamp: 0 })
    asks.pipeInput('a', 'waiting', { timestamp: 1 })
    input.pipeInput('b', '2', { timestamp: 10 })
    asks.pipeInput('a', 'sent', { timestamp: 11 })
    input.pipeInput('a', '3', { timestamp: 12 })
    asks.pipeInput('a', 'changed', { timestamp: 13 })
    const answers = driver.createOutputTopic('out', text).readKeyValues()
    expect(answers.map(([, answer]) => answer)).toEqual(['waiting:null', 'sent:1', 'changed:1'])
  })
})

describe('dsl: suppress until windows close', () => {
  const sizeMs = 20

  function counted(graceMs: number) {
    const builder = new StreamsBuilder()
    builder
      .stream('in', text)
      .groupByKey()
      .windowedBy(timeWindows({ sizeMs, graceMs }))
      .count()
      .suppress(untilWindowCloses({ buffer: 'unbounded' }))
      .toStream()
      .to('out', { keySerde: serdes.windowed(serdes.string(), sizeMs), valueSerde: serdes.int64() })
    return builder.build()
  }

  it('gives each window that has closed once, with its last count, by end and key', () => {
    fc.assert(
      fc.property(fc.nat(30), updates, (graceMs, list) => {
        using driver = new TopologyTestDriver(counted(graceMs), uncached)
        const input = driver.createInputTopic<string, string>('in', text)
        const expected: (readonly [start: number, key: string, count: number])[] = []
        const open = new Map<string, { start: number; key: string; count: number }>()
        let streamTime = -1
        for (const { key, timestamp } of list) {
          input.pipeInput(key, 'x', { timestamp })
          streamTime = Math.max(streamTime, timestamp)
          const start = timestamp - (timestamp % sizeMs)
          if (streamTime - start >= sizeMs + graceMs) continue
          const window = open.get(`${start} ${key}`) ?? { start, key, count: 0 }
          window.count += 1
          open.set(`${start} ${key}`, window)
          const closed = [...open].filter(([, one]) => streamTime - one.start >= sizeMs + graceMs)
          for (const [id] of closed) open.delete(id)
          const inOrder = closed
            .map(([, one]) => one)
            .sort((one, two) => one.start - two.start || Buffer.compare(bytes(one.key), bytes(two.key)))
          for (const one of inOrder) expected.push([one.start, one.key, one.count])
        }
        const output = driver.createOutputTopic('out', {
          keySerde: serdes.windowed(serdes.string(), sizeMs),
          valueSerde: serdes.int64(),
        })
        const found = output.readRecords().map(({ key, value }) => [key?.window.startMs, key?.key, value])
        expect(found).toEqual(expected)
      }),
      { numRuns: 80 },
    )
  })

  it('is refused for a table without windows, with the way that was looked', () => {
    const builder = new StreamsBuilder()
    const table = builder.table('in', text).filter(() => true, { name: 'some' })
    const make = () => table.suppress(untilWindowCloses({ buffer: 'unbounded' }) as Suppressed<unknown>)
    expect(make).toThrow(/none above: root → KTABLE-SOURCE-\d+ → some/)
    expect(make).toThrow(expect.objectContaining({ code: 'INVALID_SUPPRESSION' }))
  })
})

describe('dsl: suppressions', () => {
  it.each([
    [{ timeLimitMs: -1, buffer: 'unbounded' }, /timeLimitMs is -1/],
    [{ timeLimitMs: 1.5, buffer: 'unbounded' }, /timeLimitMs is 1.5/],
    [{ timeLimitMs: 1, buffer: { whenFull: 'shut-down' } }, /has no limit/],
    [{ timeLimitMs: 1, buffer: { recordsMax: -1, whenFull: 'shut-down' } }, /recordsMax is -1/],
    [{ timeLimitMs: 1, buffer: { bytesMax: NaN, whenFull: 'shut-down' } }, /bytesMax is NaN/],
  ])('refuse %o', (options, message) => {
    expect(() => untilTimeLimit(options as never)).toThrow(message)
  })
})
