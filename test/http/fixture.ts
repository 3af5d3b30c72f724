import { onTestFinished } from 'vitest'
import type { Broker } from '../../lib/broker/broker.ts'
import { openBroker } from '../../lib/broker/open/open-broker.ts'
import { silentLogger } from '../../lib/common/logger.ts'
import { StreamsBuilder } from '../../lib/dsl/methods/streams-builder.ts'
import { sessionWindows } from '../../lib/dsl/windows/session-windows.ts'
import { timeWindows } from '../../lib/dsl/windows/time-windows.ts'
import type { Serde } from '../../lib/serde/serde.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import type { KeyValueStore } from '../../lib/store/contract/key-value-store.ts'
import { stores } from '../../lib/store/builders/stores.ts'
import { KafkaStreams } from '../../lib/streams/kafka-streams.ts'
import type { Topology } from '../../lib/topology/topology.ts'
import { eventually } from '../support/eventually.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { createTopics, produce, type Pair } from '../support/topics.ts'

export const text = { keySerde: serdes.string(), valueSerde: serdes.string() }
export const PARTITIONS = 4

/** A serde whose keys no text stands for, unless somebody says how. */
export const pointSerde: Serde<{ readonly x: number; readonly y: number }> = {
  name: 'point',
  serialize: ({ x, y }) => new TextEncoder().encode(`${x}/${y}`),
  deserialize(bytes) {
    const [x, y] = new TextDecoder().decode(bytes).split('/').map(Number)
    return { x: x!, y: y! }
  },
}

/** A store of each kind, filled from the topic `in`, and stores of other keys by a processor. */
export function everyKind(): Topology {
  const builder = new StreamsBuilder()
  builder.globalTable('names', { ...text, storeName: 'names' })
  builder.table('versions', { ...text, storeName: 'prices', historyRetentionMs: 600_000 })
  const stream = builder.stream('in', text)
  const group = stream.groupByKey(text)
  group.reduce((_old, value) => value, { storeName: 'totals', ...text })
  group
    .windowedBy(timeWindows({ sizeMs: 1_000, graceMs: 0 }))
    .count({ storeName: 'minutes', retentionMs: 3_600_000 })
  group
    .windowedBy(sessionWindows({ inactivityGapMs: 1_000, graceMs: 0 }))
    .count({ storeName: 'visits', retentionMs: 3_600_000 })
  const keyed = <K>(name: string, keySerde: Serde<K>) =>
    builder.addStateStore(stores.keyValueStore({ name, keySerde, valueSerde: serdes.bytes() }))
  const own = [
    ['numbers', serdes.int64()],
    ['bigints', serdes.bigint64()],
    ['floats', serdes.float64()],
    ['jsons', serdes.json<object>()],
    ['bytes', serdes.bytes()],
    ['points', pointSerde],
  ] as const
  for (const [name, serde] of own) keyed(name, serde as Serde<unknown>)
  const names = own.map(([name]) => name)
  stream.process(
    () => {
      let put: (name: string, key: unknown, value: Uint8Array) => void = () => undefined
      return {
        init(context) {
          put = (name, key, value) =>
            context.getStateStore<KeyValueStore<unknown, Uint8Array>>(name).put(key, value)
        },
        process({ value }) {
          const bytes = new TextEncoder().encode(value)
          put('numbers', 12, bytes)
          put('bigints', 2n ** 60n, bytes)
          put('floats', 1.5, bytes)
          put('jsons', { a: 1 }, bytes)
          put('bytes', new Uint8Array([255, 254]), bytes)
          put('points', { x: 3, y: -4 }, bytes)
        },
      }
    },
    { stores: names },
  )
  return builder.build()
}

export async function memoryBroker(): Promise<Broker> {
  const broker = await openBroker('memory')
  onTestFinished(() => broker.close())
  await createTopics(broker, { in: PARTITIONS, versions: PARTITIONS, names: 2 }, ['names'])
  return broker
}

/** Not started. */
export async function application(broker: Broker, topology = everyKind()): Promise<KafkaStreams> {
  const config = { applicationId: 'app', commitIntervalMs: 10, stateDir: await temporaryDirectory() }
  const streams = new KafkaStreams(topology, config, { broker, logger: silentLogger })
  onTestFinished(() => streams.close())
  return streams
}

/** A started one that has processed these records. */
export async function running(pairs: readonly Pair[], topology = everyKind()): Promise<KafkaStreams> {
  const broker = await memoryBroker()
  for (const topic of ['in', 'versions']) await produce(broker, topic, PARTITIONS, pairs)
  await produce(broker, 'names', 2, pairs)
  const streams = await application(broker, topology)
  await streams.start()
  await eventually(() => streams.describeStores().every(({ lag }) => lag === 0), { what: 'a lag of 0' })
  return streams
}

/** Asks an app, and reads what it answers. */
export async function ask(
  app: { request(path: string, init?: RequestInit): Response | Promise<Response> },
  path: string,
  init: RequestInit = {},
) {
  const response = await app.request(path, init)
  const body = await response.text()
  const isJson = response.headers.get('content-type')?.startsWith('application/json') === true && body !== ''
  return {
    status: response.status,
    headers: response.headers,
    text: body,
    body: isJson ? JSON.parse(body) : undefined,
  }
}
