import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { KTable } from '../../lib/dsl/api/kstream.ts'
import { untilWindowCloses } from '../../lib/dsl/options/suppressed.ts'
import { sessionWindows } from '../../lib/dsl/windows/session-windows.ts'
import { slidingWindows } from '../../lib/dsl/windows/sliding-windows.ts'
import { timeWindows } from '../../lib/dsl/windows/time-windows.ts'
import type { Windowed } from '../../lib/common/windowed.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import { closedSessions, closedTimeWindows } from './models/closing-model.ts'
import type { TimedRecord, WindowedStream } from '../support/windowed-run.ts'
import { runWindowed } from '../support/windowed-run.ts'

// Results at the close of windows, with the least retention, against computations that forget nothing: each
// window that closes is sent once, with all that came in time, whatever stream time jumps over and however
// seldom the operator may look.

const RUNS = { numRuns: 300 }
const string = serdes.string()
const append = (aggregate: string, value: string) => aggregate + value
const DAY_MS = 86_400_000
/** Closes whatever came before it. */
const LAST: TimedRecord = { key: 'z', value: 'last', timestamp: 100 * DAY_MS }

/**
 * Stream time goes on by steps of 0 to 30 ms, and now and then by up to a second; records are late by up to
 * 40 ms.
 */
const records = fc
  .array(
    fc.tuple(
      fc.constantFrom('a', 'b', 'c'),
      fc.oneof({ weight: 5, arbitrary: fc.nat(30) }, { weight: 1, arbitrary: fc.nat(1000) }),
      fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(40) }),
    ),
    { maxLength: 40 },
  )
  .map(steps => {
    let timeMs = 100
    const entries = steps.map(([key, stepMs, lateMs], i): TimedRecord => {
      timeMs += stepMs
      return { key, value: `${i}.`, timestamp: timeMs - lateMs }
    })
    return [...entries, LAST]
  })

/**
 * Looks after every record; after the first one only, since the clock stands still; caches that hold changes
 * back, or none.
 */
const settings = fc.record({
  emitIntervalMs: fc.constantFrom(0, 1000),
  cacheBytesMax: fc.constantFrom(0, 1_000_000),
})

type Build = (
  stream: WindowedStream,
) => KTable<Windowed<string>, string, null> | KTable<Windowed<string>, string, never>

function finalResults(
  input: readonly TimedRecord[],
  build: Build,
  options: { readonly keySerde?: 'session' | undefined; readonly sizeMs?: number },
  config: { readonly emitIntervalMs: number; readonly cacheBytesMax: number },
): string[] {
  const keySerde =
    options.keySerde === 'session' ? serdes.sessionWindowed(string) : serdes.windowed(string, options.sizeMs!)
  const { changes } = runWindowed<string>(input, build, { keySerde, valueSerde: string, ...config })
  return changes.map(({ key, value }) => `${key}=${value}`).sort()
}

describe('windows of time that close', () => {
  const windows = fc
    .tuple(fc.integer({ min: 1, max: 25 }), fc.integer({ min: 1, max: 25 }), fc.constantFrom(0, 0, 7, 30))
    .map(([sizeMs, advanceMs, graceMs]) =>
      timeWindows({ sizeMs, advanceMs: Math.min(sizeMs, advanceMs), graceMs }),
    )

  it('are sent once, with all that came in time', () => {
    fc.assert(
      fc.property(windows, records, settings, (definition, input, config) => {
        const found = finalResults(
          input,
          stream =>
            stream
              .groupByKey()
              .windowedBy(definition)
              .emitStrategy('on-window-close')
              .aggregate(() => '', append, { valueSerde: string }),
          { sizeMs: definition.sizeMs },
          config,
        )
        expect(found).toEqual(closedTimeWindows(definition, input))
      }),
      RUNS,
    )
  })

  it('leave the buffer of suppress once, with all that came in time', () => {
    fc.assert(
      fc.property(windows, records, settings, (definition, input, config) => {
        const found = finalResults(
          input,
          stream =>
            stream
              .groupByKey()
              .windowedBy(definition)
              .aggregate(() => '', append, { valueSerde: string })
              .suppress(untilWindowCloses({ buffer: 'unbounded' })),
          { sizeMs: definition.sizeMs },
          config,
        )
        expect(found).toEqual(closedTimeWindows(definition, input))
      }),
      RUNS,
    )
  })

  it('of a day, one a minute, read at once: all 1,440 are sent, at the looks that retention asks for', () => {
    const input = Array.from({ length: 1_440 }, (_, i) => ({
      key: 'a',
      value: 'x',
      timestamp: i * 60_000 + 1_234,
    }))
    const { changes } = runWindowed(
      [...input, LAST],
      stream =>
        stream
          .groupByKey()
          .windowedBy(timeWindows({ sizeMs: 60_000, graceMs: 0 }))
          .emitStrategy('on-window-close')
          .count(),
      { keySerde: serdes.windowed(string, 60_000), valueSerde: serdes.int64(), emitIntervalMs: 1000 },
    )
    expect(changes.map(({ key }) => key)).toEqual(input.map((_, i) => `a@${i * 60_000}/${(i + 1) * 60_000}`))
  })

  it('before retention ends them are sent no more often than the interval allows', () => {
    const input = [5, 15, 25, 1_020].map((timestamp, i) => ({ key: 'a', value: `${i}`, timestamp }))
    const { changes } = runWindowed(
      input,
      stream =>
        stream
          .groupByKey()
          .windowedBy(timeWindows({ sizeMs: 10, graceMs: 0 }))
          .emitStrategy('on-window-close')
          .count({ retentionMs: 1_000 }),
      { keySerde: serdes.windowed(string, 10), valueSerde: serdes.int64(), emitIntervalMs: 1000 },
    )
    // Nothing until the last record, whose window ends those up to 20 ms: then all that have closed, the one
    // of 25 ms included.
    expect(changes.map(({ key }) => key)).toEqual(['a@0/10', 'a@10/20', 'a@20/30'])
  })
})

describe('sessions that close', () => {
  const windows = fc
    .tuple(fc.nat(20), fc.constantFrom(0, 0, 7, 30))
    .map(([inactivityGapMs, graceMs]) => sessionWindows({ inactivityGapMs, graceMs }))

  it('are sent once, with all that came in time', () => {
    fc.assert(
      fc.property(windows, records, settings, (definition, input, config) => {
        const found = finalResults(
          input,
          stream =>
            stream
              .groupByKey()
              .windowedBy(definition)
              .emitStrategy('on-window-close')
              .aggregate(() => '', append, append, { valueSerde: string }) as KTable<
              Windowed<string>,
              string,
              never
            >,
          { keySerde: 'session' },
          config,
        )
        expect(found).toEqual(closedSessions(definition, input))
      }),
      RUNS,
    )
  })
})

describe('sliding windows that close', () => {
  const windows = fc
    .tuple(fc.nat(25), fc.constantFrom(0, 0, 7, 30))
    .map(([timeDifferenceMs, graceMs]) => slidingWindows({ timeDifferenceMs, graceMs }))

  it('are sent once: as by an operator that looks after every record, and forgets nothing', () => {
    fc.assert(
      fc.property(windows, records, settings, (definition, input, config) => {
        const build =
          (retentionMs: number | undefined): Build =>
          stream =>
            stream
              .groupByKey()
              .windowedBy(definition)
              .emitStrategy('on-window-close')
              .aggregate(() => '', append, { valueSerde: string, ...(retentionMs && { retentionMs }) })
        const options = { sizeMs: definition.timeDifferenceMs }
        const patient = { emitIntervalMs: 0, cacheBytesMax: 0 }
        const expected = finalResults(input, build(1_000 * DAY_MS), options, patient)
        expect(finalResults(input, build(undefined), options, config)).toEqual(expected)
      }),
      RUNS,
    )
  })

  it('hold a late record whose only open window begins behind a record that is as old as can matter', () => {
    const input = [['a', 100] as const, ['b', 110] as const, ['b', 111] as const, ['a', 101] as const]
    const found = finalResults(
      [...input.map(([key, timestamp]) => ({ key, value: 'x', timestamp })), LAST],
      stream =>
        stream
          .groupByKey()
          .windowedBy(slidingWindows({ timeDifferenceMs: 10, graceMs: 0 }))
          .emitStrategy('on-window-close')
          .aggregate(() => '', append, { valueSerde: string }),
      { sizeMs: 10 },
      { emitIntervalMs: 0, cacheBytesMax: 0 },
    )
    expect(found).toEqual(['a@101/111=x', 'a@90/100=x', 'b@100/110=x', 'b@101/111=xx', 'b@111/121=x'])
  })
})
