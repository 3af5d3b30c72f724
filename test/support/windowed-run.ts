import type { Windowed } from '../../lib/common/windowed.ts'
import type { KTable } from '../../lib/dsl/api/kstream.ts'
import { StreamsBuilder } from '../../lib/dsl/methods/streams-builder.ts'
import type { KStream } from '../../lib/dsl/api/kstream.ts'
import type { Serde } from '../../lib/serde/serde.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import { TopologyTestDriver } from '../../lib/testing/topology-test-driver.ts'

export interface TimedRecord {
  readonly key: string
  readonly value: string
  readonly timestamp: number
}

export type WindowedStream = KStream<string, string>

export interface WindowedResult<V> {
  /** In the order in which they were sent; keys as `key@start/end`. */
  readonly changes: readonly { readonly key: string; readonly value: V | null; readonly timestamp: number }[]
  /** What the changes add up to: value and timestamp by key. */
  readonly table: ReadonlyMap<string, readonly [value: V, timestamp: number]>
  readonly dropped: number
}

/** Runs records through a windowed table, without a cache, and returns what comes out of it. */
export function runWindowed<V>(
  records: readonly TimedRecord[],
  build: (stream: WindowedStream) => KTable<Windowed<string>, V, null> | KTable<Windowed<string>, V, never>,
  options: {
    readonly valueSerde: Serde<V>
    readonly keySerde: Serde<Windowed<string>>
    readonly cacheBytesMax?: number
    readonly emitIntervalMs?: number
  },
): WindowedResult<V> {
  const builder = new StreamsBuilder()
  const strings = { keySerde: serdes.string(), valueSerde: serdes.string() }
  const { keySerde, valueSerde, cacheBytesMax = 0, emitIntervalMs = 0 } = options
  const table = build(builder.stream('in', strings)) as KTable<Windowed<string>, V, null>
  table.toStream().to('out', { keySerde, valueSerde: valueSerde as Serde<V | null> })
  using driver = new TopologyTestDriver(builder.build(), { config: { cacheBytesMax, emitIntervalMs } })
  const input = driver.createInputTopic('in', strings)
  for (const { key, value, timestamp } of records) input.pipeInput(key, value, { timestamp })
  const rows = new Map<string, readonly [V, number]>()
  const changes = driver.producedRecords('out').map(({ key, value, timestamp }) => {
    const name = windowedName(keySerde.deserialize(key as Uint8Array, { topic: 'out' }))
    const found = value && valueSerde.deserialize(value, { topic: 'out' })
    if (found === null) rows.delete(name)
    else rows.set(name, [found, timestamp])
    return { key: name, value: found, timestamp }
  })
  return { changes, table: rows, dropped: driver.metricTotal('dropped-records-total') }
}

export function windowedName({ key, window }: Windowed<unknown>): string {
  return `${String(key)}@${window.startMs}/${window.endMs}`
}
