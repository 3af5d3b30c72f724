import { describe, expect, it, onTestFinished } from 'vitest'
import type { Broker } from '../../lib/broker/broker.ts'
import { openBroker } from '../../lib/broker/open/open-broker.ts'
import { silentLogger } from '../../lib/common/logger.ts'
import { StreamsBuilder } from '../../lib/dsl/methods/streams-builder.ts'
import { continueOnError } from '../../lib/processor/error-handlers.ts'
import { SchemaRegistry } from '../../lib/serde/registry/schema-registry.ts'
import type { Serde } from '../../lib/serde/serde.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import type { StreamsConfig } from '../../lib/streams/config.ts'
import { KafkaStreams } from '../../lib/streams/kafka-streams.ts'
import { TopologyTestDriver } from '../../lib/testing/topology-test-driver.ts'
import { eventually } from '../support/eventually.ts'
import { HttpRegistry } from '../support/http-registry.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { createTopics, readAll, textOf } from '../support/topics.ts'

interface Order {
  readonly id: number
  readonly note: string
}

interface Sum {
  readonly sum: number
}

const order = (...fields: object[]) =>
  ({ type: 'record', name: 'Order', fields: [{ name: 'id', type: 'int' }, ...fields] }) as never
const OLD = order()
const NEW = order({ name: 'note', type: 'string', default: '-' })
const NEWER = order({ name: 'note', type: 'string', default: '-' }, { name: 'more', type: 'int', default: 0 })
const keySerde = serdes.string()

async function stage() {
  const server = await HttpRegistry.open()
  onTestFinished(() => server[Symbol.asyncDispose]())
  const broker = await openBroker('memory')
  onTestFinished(() => broker.close())
  await createTopics(broker, { in: 2, out: 1 })
  const registry = new SchemaRegistry({ url: server.url, retriesMax: 1, retryPauseMs: 1 })
  const orders = await registry.avro<Order>({ topic: 'in', schema: NEW, register: true })
  return { server, broker, registry, orders }
}

/** What a newer program writes, of whose schema this one has not heard. */
async function foreign(server: HttpRegistry, value: object): Promise<Uint8Array> {
  const serde = await new SchemaRegistry({ url: server.url }).avro({
    subject: 'elsewhere',
    schema: NEWER,
    register: true,
  })
  return serde.serialize(value, { topic: 'in' })
}

async function send(broker: Broker, partition: number, value: Uint8Array): Promise<void> {
  const producer = await broker.producer({ clientId: 'test' })
  producer.send({ topic: 'in', partition, key: Buffer.from('k'), value, timestamp: 1, headers: [] })
  await producer.flush()
  await producer.close()
}

function notes(orders: Serde<Order>) {
  const builder = new StreamsBuilder()
  builder
    .stream('in', { keySerde, valueSerde: orders })
    .mapValues(({ id, note }) => `${id} ${note}`)
    .to('out', { keySerde, valueSerde: serdes.string() })
  return builder.build()
}

async function open(broker: Broker, orders: Serde<Order>, config: Partial<StreamsConfig> = {}) {
  const stateDir = config.stateDir ?? (await temporaryDirectory())
  const streams = new KafkaStreams(
    notes(orders),
    { applicationId: 'app', commitIntervalMs: 10, ...config, stateDir },
    { broker, logger: silentLogger },
  )
  onTestFinished(() => streams.close())
  return streams
}

const outputs = async (broker: Broker) => (await readAll(broker, 'out')).map(({ value }) => textOf(value))

/** Holds the registry's answers for schemas by id until released. */
function hold(server: HttpRegistry): { release(): void; asked(): Promise<unknown> } {
  let release = () => undefined as void
  const held = new Promise<void>(resolve => (release = resolve))
  const isFetch = (request: string) => request.startsWith('GET /schemas/ids/')
  server.fault = request => (isFetch(request) ? held : undefined)
  return { release: () => release(), asked: () => eventually(() => server.requests.some(isFetch)) }
}

describe('a record whose schema is not known yet', () => {
  it('waits, and its partition with it; other partitions go on; nothing behind it is committed', async () => {
    const { server, broker, orders } = await stage()
    const fetching = hold(server)
    const streams = await open(broker, orders)
    await streams.start()
    await send(broker, 0, await foreign(server, { id: 1, note: 'new', more: 5 }))
    await send(broker, 0, orders.serialize({ id: 2, note: 'behind it' }, { topic: 'in' }))
    await fetching.asked()
    await send(broker, 1, orders.serialize({ id: 3, note: 'elsewhere' }, { topic: 'in' }))
    await eventually(async () => (await outputs(broker)).includes('3 elsewhere'))
    expect(await outputs(broker)).toEqual(['3 elsewhere'])
    const admin = await broker.admin()
    onTestFinished(() => admin.close())
    expect((await admin.groupOffsets('app', [{ topic: 'in', partition: 0 }])).get('in-0')?.offset ?? 0).toBe(
      0,
    )
    fetching.release()
    await eventually(async () => (await outputs(broker)).length === 3)
    expect(await outputs(broker)).toEqual(['3 elsewhere', '1 new', '2 behind it'])
  })

  it('is still there after a restart in the middle of the wait', async () => {
    const { server, broker, orders } = await stage()
    const fetching = hold(server)
    const stateDir = await temporaryDirectory()
    const first = await open(broker, orders, { stateDir })
    await first.start()
    await send(broker, 0, await foreign(server, { id: 1, note: 'new', more: 5 }))
    await fetching.asked()
    await first.close()
    fetching.release()
    const second = await open(broker, orders, { stateDir })
    await second.start()
    await eventually(async () => (await outputs(broker)).length === 1)
    expect(await outputs(broker)).toEqual(['1 new'])
  })

  it('goes to the deserialization handler where the registry does not know it', async () => {
    const { broker, orders } = await stage()
    const streams = await open(broker, orders, { deserializationErrorHandler: continueOnError })
    await streams.start()
    await send(broker, 0, Uint8Array.of(0, 0, 0, 0, 99, 2))
    await send(broker, 0, orders.serialize({ id: 2, note: 'next' }, { topic: 'in' }))
    await eventually(async () => (await outputs(broker)).length === 1)
    expect(await outputs(broker)).toEqual(['2 next'])
    expect(streams.metrics.total('dropped-records-total')).toBe(1)
  })

  it('ends the application, whatever that handler says, where the registry is away; then goes on', async () => {
    const { server, broker, orders } = await stage()
    const stateDir = await temporaryDirectory()
    const config = { stateDir, deserializationErrorHandler: continueOnError }
    const streams = await open(broker, orders, config)
    await streams.start()
    const bytes = await foreign(server, { id: 1, note: 'kept', more: 5 })
    server.fault = () => 503
    await send(broker, 0, bytes)
    await eventually(() => streams.state === 'error')
    expect(streams.error).toMatchObject({ code: 'REGISTRY_UNAVAILABLE' })
    await streams.close()
    server.fault = undefined
    const again = await open(broker, orders, config)
    await again.start()
    await eventually(async () => (await outputs(broker)).length === 1)
    expect(await outputs(broker)).toEqual(['1 kept'])
  })
})

describe('Avro elsewhere', () => {
  it('a global table waits for the schema before it is loaded', async () => {
    const { server, broker, orders } = await stage()
    await send(broker, 0, await foreign(server, { id: 1, note: 'old', more: 5 }))
    await send(broker, 0, await foreign(server, { id: 2, note: 'new', more: 5 }))
    const builder = new StreamsBuilder()
    builder.globalTable('in', { keySerde, valueSerde: orders, storeName: 'orders', requireCompacted: false })
    const config = { applicationId: 'app', stateDir: await temporaryDirectory() }
    const streams = new KafkaStreams(builder.build(), config, { broker, logger: silentLogger })
    onTestFinished(() => streams.close())
    await streams.start()
    expect(streams.store<string, Order>('orders').get('k')).toEqual({ id: 2, note: 'new' })
  })

  it('the test driver says what to load, and goes on when it is', async () => {
    const { server, registry, orders } = await stage()
    using driver = new TopologyTestDriver(notes(orders))
    const input = driver.createInputTopic('in', { keySerde, valueSerde: serdes.bytes() })
    const output = driver.createOutputTopic('out', { keySerde, valueSerde: serdes.string() })
    const bytes = await foreign(server, { id: 1, note: 'new', more: 5 })
    expect(() => input.pipeInput('k', bytes)).toThrow(/await registry\.load\(2\)/)
    await registry.load(2)
    input.pipeInput('k', orders.serialize({ id: 2, note: 'next' }, { topic: 'in' }))
    expect(output.readRecords().map(({ value }) => value)).toEqual(['1 new', '2 next'])
  })

  it('aggregates kept as Avro are read again by a later version of the program', async () => {
    const { server, broker, orders } = await stage()
    const stateDir = await temporaryDirectory()
    const sums = (valueSerde: Serde<Sum>) => {
      const builder = new StreamsBuilder()
      builder
        .stream('in', { keySerde, valueSerde: orders })
        .groupByKey()
        .aggregate<Sum>(
          () => ({ sum: 0 }),
          (total, { id }) => ({ ...total, sum: total.sum + id }),
          { storeName: 'sums', valueSerde },
        )
      return builder.build()
    }
    const schema = (...more: object[]) =>
      ({ type: 'record', name: 'Sum', fields: [{ name: 'sum', type: 'int' }, ...more] }) as never
    for (const [ids, version] of [
      [[1, 2], schema()],
      [[3], schema({ name: 'more', type: 'string', default: 'x' })],
    ] as const) {
      const registry = new SchemaRegistry({ url: server.url })
      const total = await registry.avro<Sum>({ subject: 'sums', schema: version, register: true })
      const config = { applicationId: 'sums', stateDir, commitIntervalMs: 10 }
      const streams = new KafkaStreams(sums(total), config, { broker, logger: silentLogger })
      onTestFinished(() => streams.close())
      await streams.start()
      for (const id of ids) await send(broker, 0, orders.serialize({ id, note: '' }, { topic: 'in' }))
      const expected = ids.length === 2 ? { sum: 3 } : { sum: 6, more: 'x' }
      await eventually(() => expect(streams.store('sums').get('k')).toEqual(expected))
      await streams.close()
    }
  })
})

describe('the schema that was written first', () => {
  it('is read by the present program', async () => {
    const { server, broker, registry, orders } = await stage()
    const old = await registry.avro<{ id: number }>({ subject: 'old', schema: OLD, register: true })
    const streams = await open(broker, orders)
    await streams.start()
    await send(broker, 0, old.serialize({ id: 4 }, { topic: 'in' }))
    await eventually(async () => (await outputs(broker)).length === 1)
    expect(await outputs(broker)).toEqual(['4 -'])
    expect(server.requests.filter(request => request.startsWith('GET /schemas'))).toEqual([])
  })
})
