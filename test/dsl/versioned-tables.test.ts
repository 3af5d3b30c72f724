import { describe, expect, test } from 'vitest'
import { StreamsBuilder } from '../../lib/dsl/methods/streams-builder.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import { TopologyTestDriver } from '../../lib/testing/topology-test-driver.ts'

const TEXT = { keySerde: serdes.string(), valueSerde: serdes.string() }

function versionedTable(builder: StreamsBuilder, historyRetentionMs = 100) {
  return builder.table<string, string>('rows', { ...TEXT, storeName: 'rows', historyRetentionMs })
}

function joined(graceMs: number, left: boolean) {
  const builder = new StreamsBuilder()
  const table = versionedTable(builder)
  const stream = builder.stream<string | null, string>('in', TEXT as never)
  const join = (value: string, row: string | null) => `${value}+${row}`
  const result = left ? stream.leftJoin(table, join, { graceMs }) : stream.join(table, join, { graceMs })
  result.to('out', TEXT as never)
  const driver = new TopologyTestDriver(builder.build(), { config: { cacheBytesMax: 0 } })
  return {
    driver,
    rows: driver.createInputTopic('rows', TEXT),
    input: driver.createInputTopic<string | null, string | null>('in', TEXT as never),
    output: driver.createOutputTopic('out', TEXT),
  }
}

describe('versioned tables', () => {
  test('a join with grace waits for rows that come late', () => {
    const { driver, rows, input, output } = joined(10, false)
    using _ = driver
    input.pipeInput('a', 'x', { timestamp: 5 })
    rows.pipeInput('a', 'row', { timestamp: 4 })
    input.pipeInput('b', 'time', { timestamp: 15 })
    expect(output.readRecords().map(({ value }) => value)).toEqual(['x+row'])
  })

  test('a left join with grace joins a record without key at once, with null; an inner one drops and counts it', () => {
    const left = joined(10, true)
    const inner = joined(10, false)
    using _left = left.driver
    using _inner = inner.driver
    left.input.pipeInput(null, 'x', { timestamp: 5 })
    inner.input.pipeInput(null, 'x', { timestamp: 5 })
    left.input.pipeInput('a', null, { timestamp: 5 })
    expect(left.output.readRecords().map(({ value }) => value)).toEqual(['x+null'])
    expect(left.driver.metricTotal('dropped-records-total')).toBe(1)
    expect(inner.driver.metricTotal('dropped-records-total')).toBe(1)
  })

  test('readers ask the driver for a version of a time', () => {
    const { driver, rows } = joined(0, false)
    using _ = driver
    rows.pipeInput('a', 'one', { timestamp: 10 })
    rows.pipeInput('a', 'two', { timestamp: 20 })
    const store = driver.getVersionedKeyValueStore<string, string>('rows')
    expect(store.getAsOf('a', 15)).toEqual({ value: 'one', timestamp: 10, validToMs: 20 })
  })

  test('what cannot be is said while it is written', () => {
    const builder = new StreamsBuilder()
    const table = versionedTable(builder)
    const plain = builder.table<string, string>('plain', TEXT)
    const stream = builder.stream<string, string>('in', TEXT)
    const join = (value: string) => value
    expect(() => stream.join(plain, join, { graceMs: 1 })).toThrow(
      expect.objectContaining({ code: 'GRACE_WITHOUT_VERSIONS' }),
    )
    expect(() => stream.join(table, join, { graceMs: 101 })).toThrow(
      expect.objectContaining({ code: 'GRACE_ABOVE_HISTORY' }),
    )
    expect(() => stream.join(table, join, { graceMs: -1 })).toThrow(TypeError)
    expect(() => builder.globalTable('all', { ...TEXT, storeName: 'all', historyRetentionMs: 1 })).toThrow(
      expect.objectContaining({ code: 'GLOBAL_TABLE_VERSIONED' }),
    )
    expect(() => builder.table('other', { ...TEXT, historyRetentionMs: 1 })).toThrow(/storeName/)
  })
})
