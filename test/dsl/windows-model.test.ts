import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { sessionWindows } from '../../lib/dsl/windows/session-windows.ts'
import { slidingWindows } from '../../lib/dsl/windows/sliding-windows.ts'
import { timeWindows } from '../../lib/dsl/windows/time-windows.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import type { TimedRecord } from '../support/windowed-run.ts'
import { runWindowed } from '../support/windowed-run.ts'

// Windowed aggregations against computations that go over all records and all windows. What arrives is out of
// order within a span of 60 ms, from time 0 or from one near 2^53; aggregates are the values in order, so
// that one too many or in the wrong window shows.

const RUNS = { numRuns: 150 }
const SPAN_MS = 60
const string = serdes.string()

const timedRecords = fc
  .tuple(
    fc.constantFrom(0, 1000, Number.MAX_SAFE_INTEGER - SPAN_MS),
    fc.array(fc.tuple(fc.constantFrom('a', 'b'), fc.nat(SPAN_MS)), { maxLength: 30 }),
  )
  .map(([base, entries]) =>
    entries.map(([key, offset], i): TimedRecord => ({ key, value: `${i}.`, timestamp: base + offset })),
  )

type Rows = Map<string, [value: string, timestamp: number]>

function addTo(rows: Rows, name: string, { value, timestamp }: TimedRecord): void {
  const row = rows.get(name)
  rows.set(name, row ? [row[0] + value, Math.max(row[1], timestamp)] : [value, timestamp])
}

describe('windows of time', () => {
  const windows = fc
    .tuple(fc.integer({ min: 1, max: 25 }), fc.integer({ min: 1, max: 25 }), fc.nat(20))
    .map(([sizeMs, advanceMs, graceMs]) =>
      timeWindows({ sizeMs, advanceMs: Math.min(sizeMs, advanceMs), graceMs }),
    )

  it('hold each record of their time that came before they closed', () => {
    fc.assert(
      fc.property(windows, timedRecords, (definition, records) => {
        const { sizeMs, advanceMs, graceMs } = definition
        const rows: Rows = new Map()
        let dropped = 0
        let streamTime = -1n
        for (const record of records) {
          const time = BigInt(record.timestamp)
          if (time > streamTime) streamTime = time
          // All starts, one by one: the first multiple of the advance is found by trying.
          for (let start = time; start >= 0n && start + BigInt(sizeMs) > time; start -= 1n) {
            if (start % BigInt(advanceMs) !== 0n) continue
            const isClosed = start + BigInt(sizeMs) + BigInt(graceMs) <= streamTime
            if (isClosed) dropped += 1
            else addTo(rows, `${record.key}@${start}/${Number(start) + sizeMs}`, record)
          }
        }
        const found = runWindowed(
          records,
          stream =>
            stream
              .groupByKey()
              .windowedBy(definition)
              .aggregate(
                () => '',
                (aggregate, value) => aggregate + value,
                { valueSerde: string },
              ),
          { keySerde: serdes.windowed(string, sizeMs), valueSerde: string },
        )
        expect(found.table).toEqual(rows)
        expect(found.dropped).toBe(dropped)
      }),
      RUNS,
    )
  })
})

describe('sliding windows', () => {
  // Without lateness: which windows are made for late records depends on the algorithm, and golden cases and
  // the fuzz compare that.
  it('are all sets of records within the time difference', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 25 }), timedRecords, (timeDifferenceMs, records) => {
        const rows: Rows = new Map()
        const starts = new Set<string>()
        for (const { key, timestamp } of records) {
          starts.add(`${key}@${Math.max(0, timestamp - timeDifferenceMs)}`).add(`${key}@${timestamp + 1}`)
        }
        for (const start of starts) {
          const [key, startMs] = start.split('@').map((part, i) => (i === 0 ? part : Number(part)))
          const endMs = Number(startMs) + timeDifferenceMs
          for (const record of records) {
            const isIn = record.timestamp >= Number(startMs) && record.timestamp <= endMs
            if (record.key === key && isIn) addTo(rows, `${start}/${endMs}`, record)
          }
        }
        const found = runWindowed(
          records,
          stream =>
            stream
              .groupByKey()
              .windowedBy(slidingWindows({ timeDifferenceMs, graceMs: 1000 }))
              .aggregate(
                () => '',
                (aggregate, value) => aggregate + value,
                { valueSerde: string },
              ),
          { keySerde: serdes.windowed(string, timeDifferenceMs), valueSerde: string },
        )
        expect(found.table).toEqual(rows)
        expect(found.dropped).toBe(0)
      }),
      RUNS,
    )
  })
})

describe('sessions', () => {
  interface Session {
    readonly key: string
    readonly startMs: number
    readonly endMs: number
    readonly value: string
  }

  const windows = fc
    .tuple(fc.nat(12), fc.nat(20))
    .map(([inactivityGapMs, graceMs]) => sessionWindows({ inactivityGapMs, graceMs }))

  it('are one wherever records lie within the gap of each other', () => {
    fc.assert(
      fc.property(windows, timedRecords, (definition, records) => {
        const { inactivityGapMs: gapMs, graceMs } = definition
        let sessions: Session[] = []
        let dropped = 0
        let streamTimeMs = -1
        for (const { key, value, timestamp } of records) {
          streamTimeMs = Math.max(streamTimeMs, timestamp)
          const isNear = (session: Session) =>
            session.key === key && session.endMs >= timestamp - gapMs && session.startMs <= timestamp + gapMs
          const near = sessions.filter(isNear).sort((one, other) => one.endMs - other.endMs)
          const startMs = Math.min(timestamp, ...near.map(session => session.startMs))
          const endMs = Math.max(timestamp, ...near.map(session => session.endMs))
          if (endMs < streamTimeMs - gapMs - graceMs) {
            dropped += 1
            continue
          }
          const merged = near.map(session => session.value).join('')
          sessions = sessions.filter(session => !near.includes(session))
          sessions.push({ key, startMs, endMs, value: merged + value })
        }
        const found = runWindowed(
          records,
          stream =>
            stream
              .groupByKey()
              .windowedBy(definition)
              .aggregate(
                () => '',
                (aggregate, value) => aggregate + value,
                (left, right) => left + right,
                { valueSerde: string, retentionMs: 100_000 },
              ),
          { keySerde: serdes.sessionWindowed(string), valueSerde: string },
        )
        const rows = sessions.map(
          ({ key, startMs, endMs, value }) => [`${key}@${startMs}/${endMs}`, [value, endMs]] as const,
        )
        expect(found.table).toEqual(new Map(rows))
        expect(found.dropped).toBe(dropped)
      }),
      RUNS,
    )
  })
})
