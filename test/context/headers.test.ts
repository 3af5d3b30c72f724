import { describe, expect, it } from 'vitest'
import { utf8, utf8Text } from '../../lib/common/bytes.ts'
import { Headers, type Header } from '../../lib/common/headers.ts'
import { fixedBackoff } from '../../lib/common/backoff.ts'
import type { KStream, KTable } from '../../lib/dsl/api/kstream.ts'
import { StreamsBuilder } from '../../lib/dsl/methods/streams-builder.ts'
import { untilTimeLimit } from '../../lib/dsl/options/suppressed.ts'
import { joinWindows } from '../../lib/dsl/windows/join-windows.ts'
import { timeWindows } from '../../lib/dsl/windows/time-windows.ts'
import { Record } from '../../lib/processor/record.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import type { StreamsConfig } from '../../lib/streams/config.ts'
import { TopologyTestDriver } from '../../lib/testing/topology-test-driver.ts'

const TEXT = { keySerde: serdes.string(), valueSerde: serdes.string() }
const PARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
const CONTEXT: readonly Header[] = [
  { key: 'traceparent', value: utf8(PARENT) },
  { key: 'x-request-id', value: utf8('request-1') },
]

type Text = KStream<string, string>

/** By a processor that makes records with these headers, and none of its input's. */
function makesRecords(headers: readonly Header[]): (stream: Text) => Text {
  return stream =>
    stream.process<string, string>({
      get: () => {
        let forward: (record: Record<string, string>) => void
        return {
          init: context => (forward = record => context.forward(record)),
          process: ({ key, value, timestamp }) => forward(new Record(key, value, timestamp, headers)),
        }
      },
    })
}

/** Each way through the DSL, from a stream and a table to a stream. */
const WAYS: {
  readonly [name: string]: (stream: Text, table: KTable<string, string>) => KStream<string, unknown>
} = {
  mapValues: stream => stream.mapValues(value => `${value}!`),
  'map, flatMap and selectKey over a repartition topic': stream =>
    stream
      .map((value, key) => [key, value] as const)
      .flatMap((value, key) => [[key, value] as const])
      .selectKey(value => value)
      .repartition(TEXT),
  'a processor that makes records of its own': makesRecords([]),
  'count, behind a cache': stream => stream.groupByKey(TEXT).count().toStream(),
  'aggregate, without a cache': stream =>
    stream
      .groupBy(value => value, TEXT)
      .aggregate(
        () => '',
        (all, value) => all + value,
        { ...TEXT, caching: false },
      )
      .toStream(),
  'a windowed count': stream =>
    stream
      .groupByKey(TEXT)
      .windowedBy(timeWindows({ sizeMs: 1_000, graceMs: 0 }))
      .count()
      .toStream()
      .selectKey((_, { key }) => key),
  suppress: (_, table) => table.suppress(untilTimeLimit({ timeLimitMs: 5, buffer: 'unbounded' })).toStream(),
  'a table, grouped anew': (_, table) =>
    table
      .groupBy((value, key) => [key, value] as const, TEXT)
      .count()
      .toStream(),
  'a join of streams': (stream, table) =>
    stream.join(table.toStream(), (left, right) => left + right, {
      windows: joinWindows({ timeDifferenceMs: 1_000, graceMs: 0 }),
      ...TEXT,
      otherValueSerde: serdes.string(),
    }),
  'a join with a table': (stream, table) => stream.join(table, (left, right) => left + right),
  'a join of tables by a foreign key': (stream, table) =>
    stream
      .toTable(TEXT)
      .join(
        table,
        () => 'a',
        (left, right) => left + right,
        TEXT,
      )
      .toStream(),
  'an asynchronous call': stream => stream.mapValuesAsync(value => Promise.resolve(`${value}!`)),
  'a call that is tried again': stream =>
    stream.mapValuesAsync(
      (value, _key, { attempt }) =>
        attempt === 1 ? Promise.reject(new Error('not yet')) : Promise.resolve(`${value}!`),
      { name: 'again', retry: { attempts: 3, backoff: fixedBackoff({ delayMs: 10 }) } },
    ),
}

async function through(way: (typeof WAYS)[string], config: Partial<StreamsConfig> = {}): Promise<Headers[]> {
  const builder = new StreamsBuilder()
  const out = way(builder.stream<string, string>('in', TEXT), builder.table<string, string>('rows', TEXT))
  out.to('out', { keySerde: serdes.string(), valueSerde: serdes.json() })
  const driver = new TopologyTestDriver(builder.build(), { config })
  for (const timestamp of [10, 100])
    for (const topic of ['rows', 'in'])
      driver
        .createInputTopic<string, string>(topic, TEXT)
        .pipeInput('a', 'a', { timestamp, headers: CONTEXT })
  await driver.advance(1_000)
  const results = driver.createOutputTopic('out', TEXT)
  const outputs: Headers[] = []
  while (!results.isEmpty) outputs.push(new Headers(results.readRecord().headers))
  driver.close()
  return outputs
}

const textOf = (headers: Headers, key: string) => headers.all(key).map(({ value }) => utf8Text(value!))

describe('headers of a request are on every output', () => {
  it.each(Object.entries(WAYS))('%s', async (_name, way) => {
    const outputs = await through(way)
    expect(outputs.length).toBeGreaterThan(0)
    for (const headers of outputs) {
      expect(textOf(headers, 'traceparent')).toEqual([PARENT])
      expect(textOf(headers, 'x-request-id')).toEqual(['request-1'])
    }
  })
})

it('with contextHeaders empty, records that a processor makes have no headers', async () => {
  const outputs = await through(WAYS['a processor that makes records of its own']!, { contextHeaders: [] })
  expect(outputs.map(({ size }) => size)).toEqual([0, 0])
})

it('a header that the processor has set itself stays as it is', async () => {
  const own = '00-11111111111111111111111111111111-2222222222222222-00'
  const outputs = await through(makesRecords([{ key: 'traceparent', value: utf8(own) }]))
  expect(outputs.map(headers => textOf(headers, 'traceparent'))).toEqual([[own], [own]])
  expect(outputs.map(headers => textOf(headers, 'x-request-id'))).toEqual([['request-1'], ['request-1']])
})
