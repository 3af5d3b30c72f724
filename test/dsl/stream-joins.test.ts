import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { BuildOptions } from '../../lib/dsl/options/build-options.ts'
import { StreamsBuilder } from '../../lib/dsl/methods/streams-builder.ts'
import type { JoinWindows } from '../../lib/dsl/windows/join-windows.ts'
import { joinWindows } from '../../lib/dsl/windows/join-windows.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import { TopologyTestDriver } from '../../lib/testing/topology-test-driver.ts'
import type { Arrival, Joined } from './models/stream-join-model.ts'
import { StreamJoinModel } from './models/stream-join-model.ts'

// What the golden cases do not show: many windows and orders of arrival against a naive computation, times
// near 2^53, options.

const text = { keySerde: serdes.string(), valueSerde: serdes.string() }
const bothWays = { ...text, otherValueSerde: serdes.string() }

type Kind = 'inner' | 'left' | 'outer'
const METHODS = { inner: 'join', left: 'leftJoin', outer: 'outerJoin' } as const

const pair = (left: unknown, right: unknown) => `${String(left)}+${String(right)}`

function joined(windows: JoinWindows, kind: Kind) {
  const builder = new StreamsBuilder()
  const left = builder.stream('left', text)
  const right = builder.stream('right', text)
  left[METHODS[kind] as 'join'](right, pair, { windows, ...bothWays }).to('out', text)
  return builder.build()
}

function selfJoined(windows: JoinWindows, build: BuildOptions) {
  const builder = new StreamsBuilder()
  const stream = builder.stream('in', text)
  stream.join(stream, pair, { windows, ...bothWays }).to('out', text)
  return builder.build(build)
}

function hasOneAtTheEdge({ beforeMs, afterMs, graceMs }: JoinWindows, arrivals: readonly Arrival[]): boolean {
  let latest = -1
  return arrivals.some(({ timestamp }) => {
    latest = Math.max(latest, timestamp)
    return latest - timestamp === beforeMs + afterMs + graceMs - 1
  })
}

interface Run {
  readonly results: readonly Joined[]
  readonly dropped: number
}

function run(topology: ReturnType<typeof joined>, arrivals: readonly Arrival[], topic?: string): Run {
  using driver = new TopologyTestDriver(topology)
  const nullable = { keySerde: serdes.string(), valueSerde: serdes.string() } as never
  const topics = {
    left: driver.createInputTopic<string | null, string | null>(topic ?? 'left', nullable),
    right: driver.createInputTopic<string | null, string | null>(topic ?? 'right', nullable),
  }
  for (const { side, key, value, timestamp } of arrivals) topics[side].pipeInput(key, value, { timestamp })
  const records = driver.createOutputTopic<string | null, string>('out', nullable).readRecords()
  const results = records.map(({ key, value, timestamp }): Joined => [key, value ?? '', timestamp])
  return { results, dropped: driver.metricTotal('dropped-records-total') }
}

function modelled(windows: JoinWindows, kind: Kind, arrivals: readonly Arrival[]): Run {
  const model = new StreamJoinModel(windows, kind)
  for (const arrival of arrivals) model.arrive(arrival)
  return { results: model.results, dropped: model.dropped }
}

const times = fc.oneof({ weight: 4, arbitrary: fc.nat(60) }, { weight: 1, arbitrary: fc.nat(400) })
const arrival = fc.record({
  side: fc.constantFrom('left', 'right'),
  key: fc.oneof(
    { weight: 9, arbitrary: fc.constantFrom('a', 'b', 'ä') },
    { weight: 1, arbitrary: fc.constant(null) },
  ),
  isNull: fc.integer({ min: 0, max: 9 }).map(n => n === 0),
  timestamp: times,
})
/** From time 0, or up to the largest time that a number holds exactly. */
const scenario = fc
  .record({
    base: fc.constantFrom(0, Number.MAX_SAFE_INTEGER - 400),
    records: fc.array(arrival, { maxLength: 40 }),
  })
  .map(({ base, records }): Arrival[] =>
    records.map(({ isNull, timestamp, side, key }, i) => ({
      side,
      key,
      value: isNull ? null : `${side[0]}${i}`,
      timestamp: base + timestamp,
    })),
  )
const windowsOfAnyShape = fc
  .record({
    beforeMs: fc.integer({ min: -10, max: 30 }),
    afterMs: fc.integer({ min: -10, max: 30 }),
    graceMs: fc.nat(20),
  })
  .filter(({ beforeMs, afterMs }) => beforeMs + afterMs >= 0)
  .map(options => joinWindows(options))

describe('dsl: joins of two streams', () => {
  it.each(['inner', 'left', 'outer'] as const)('%s: give what a loop over all records gives', kind => {
    fc.assert(
      fc.property(windowsOfAnyShape, scenario, (windows, arrivals) => {
        expect(run(joined(windows, kind), arrivals)).toEqual(modelled(windows, kind, arrivals))
      }),
      { numRuns: 80 },
    )
  })

  it('a stream with itself: gives the same over one store and over two', () => {
    fc.assert(
      fc.property(windowsOfAnyShape, scenario, (windows, arrivals) => {
        const present = arrivals.filter(({ key, value }) => key !== null && value !== null)
        const plain = run(selfJoined(windows, {}), present, 'in')
        const single = run(selfJoined(windows, { optimization: ['single.store.self.join'] }), present, 'in')
        const both = present.flatMap(one => [
          { ...one, side: 'left' as const },
          { ...one, side: 'right' as const },
        ])
        expect(plain.results).toEqual(modelled(windows, 'inner', both).results)
        // As in Kafka Streams: over one store, a record finds itself whatever the window is, but not at the
        // very edge of retention.
        if (windows.beforeMs < 0 || windows.afterMs < 0 || hasOneAtTheEdge(windows, present)) return
        expect(single.results).toEqual(plain.results)
      }),
      { numRuns: 80 },
    )
  })

  it('a jump of time by 2^53 emits what waits, and takes no longer than a small one', () => {
    const windows = joinWindows({ timeDifferenceMs: 10, graceMs: 5 })
    const jump: Arrival[] = [
      { side: 'left', key: 'a', value: 'l', timestamp: 0 },
      { side: 'right', key: 'b', value: 'r', timestamp: Number.MAX_SAFE_INTEGER },
    ]
    expect(run(joined(windows, 'outer'), jump).results).toEqual([['a', 'l+null', 0]])
  })

  it('windows of the longest time keep everything', () => {
    const windows = joinWindows({ beforeMs: 0, afterMs: Number.MAX_SAFE_INTEGER, graceMs: 0 })
    const arrivals: Arrival[] = [
      { side: 'left', key: 'a', value: 'l', timestamp: 3 },
      { side: 'right', key: 'a', value: 'r', timestamp: Number.MAX_SAFE_INTEGER },
    ]
    expect(run(joined(windows, 'left'), arrivals).results).toEqual([['a', 'l+r', Number.MAX_SAFE_INTEGER]])
  })
})

describe('dsl: windows of joins', () => {
  it.each([
    [{ timeDifferenceMs: -1, graceMs: 0 }, /together are negative/],
    [{ timeDifferenceMs: 5, beforeMs: -6, graceMs: 0 }, /together are negative/],
    [{ timeDifferenceMs: 5, graceMs: -1 }, /graceMs is -1/],
    [{ timeDifferenceMs: 0.5, graceMs: 0 }, /beforeMs is 0.5/],
    [{ timeDifferenceMs: NaN, graceMs: 0 }, /beforeMs is NaN/],
    [{ graceMs: 0 }, /beforeMs is undefined/],
  ])('refuse %o', (options, message) => {
    const make = () => joinWindows(options as never)
    expect(make).toThrow(message)
    expect(make).toThrow(expect.objectContaining({ code: 'INVALID_WINDOWS' }))
  })

  it('say what is within: a difference, or each direction', () => {
    expect(joinWindows({ timeDifferenceMs: 5, graceMs: 1 })).toEqual({ beforeMs: 5, afterMs: 5, graceMs: 1 })
    expect(joinWindows({ timeDifferenceMs: 5, beforeMs: -2, graceMs: 0 })).toEqual({
      beforeMs: -2,
      afterMs: 5,
      graceMs: 0,
    })
  })
})
