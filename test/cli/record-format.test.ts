import { expect, it } from 'vitest'
import { printFormats } from '../../lib/cli/records/record-format.ts'
import { serdes, StreamsBuilder, timeWindows } from '../../lib/index.ts'

const text = { keySerde: serdes.string(), valueSerde: serdes.string() }
const windowedSerde = serdes.windowed(serdes.string(), 60_000)
const MINUTE = Date.UTC(2026, 0, 31, 12)

function plan() {
  const builder = new StreamsBuilder()
  const stream = builder.stream('in', text)
  stream.to('plain', text)
  stream
    .groupByKey()
    .windowedBy(timeWindows({ sizeMs: 60_000, graceMs: 0 }))
    .count()
    .toStream()
    .to('minutes', { keySerde: windowedSerde, valueSerde: serdes.int64() })
  return builder.build().plan('app')
}

function record(key: Uint8Array | null, value: Uint8Array | null) {
  return { offset: 7, timestamp: MINUTE + 1, key, value, headers: [] }
}

const bytes = (value: string) => new TextEncoder().encode(value)
const windowed = (startMs: number) =>
  windowedSerde.serialize({ key: 'ann', window: { startMs, endMs: startMs + 60_000 } }, { topic: 'minutes' })
const count = serdes.int64().serialize(3, { topic: 'minutes' })

it('a table has times, partitions, keys and values; what would break it is escaped', () => {
  const { heading, byTopic } = printFormats('table', ['plain'], { plan: plan(), config: {} })
  expect(heading).toBe('TIME                      PARTITION  KEY                   VALUE\n')
  expect(byTopic.get('plain')!(record(bytes('k'), bytes('a\nb\u001b')), 2)).toBe(
    '2026-01-31T12:00:00.001Z  2          k                     a\\nb\\u001b\n',
  )
  expect(byTopic.get('plain')!(record(null, null), 0)).toMatch(/Z {2}0 {10}null {18}null\n$/)
})

it('a table of several topics names them, and has a column for windows where keys have some', () => {
  const { heading, byTopic } = printFormats('table', ['plain', 'minutes'], { plan: plan(), config: {} })
  expect(heading.trim().split(/ +/)).toEqual(['TIME', 'TOPIC', 'PARTITION', 'WINDOW', 'KEY', 'VALUE'])
  const cells = (line: string) => line.trim().split(/ {2,}/)
  expect(cells(byTopic.get('minutes')!(record(windowed(MINUTE), count), 1))).toEqual([
    '2026-01-31T12:00:00.001Z',
    'minutes',
    '1',
    '2026-01-31T12:00:00.000Z/12:01:00.000Z',
    'ann',
    '3',
  ])
  // The day changes within the window.
  const last = cells(byTopic.get('minutes')!(record(windowed(Date.UTC(2026, 0, 31, 23, 59)), count), 1))
  expect(last[3]).toBe('2026-01-31T23:59:00.000Z/2026-02-01T00:00:00.000Z')
  // Bytes that are no windowed key are shown as they are.
  expect(cells(byTopic.get('minutes')!(record(bytes('odd'), count), 1)).slice(3)).toEqual(['odd', '3'])
  expect(cells(byTopic.get('plain')!(record(bytes('k'), bytes('v')), 0)).slice(2)).toEqual(['0', 'k', 'v'])
})

it('text is key, tab, value', () => {
  const { heading, byTopic } = printFormats('text', ['plain'], { plan: plan(), config: {} })
  expect(heading).toBe('')
  expect(byTopic.get('plain')!(record(bytes('k'), bytes('v')), 0)).toBe('k\tv\n')
})
