import { describe, expect, it, onTestFinished } from 'vitest'
import type { Broker } from '../../lib/broker/broker.ts'
import { openBroker } from '../../lib/broker/open/open-broker.ts'
import { silentLogger } from '../../lib/common/logger.ts'
import { StreamsBuilder } from '../../lib/dsl/methods/streams-builder.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import type { StreamsComponents } from '../../lib/streams/components.ts'
import type { StreamsConfig } from '../../lib/streams/config.ts'
import { KafkaStreams } from '../../lib/streams/kafka-streams.ts'
import type { Topology } from '../../lib/topology/topology.ts'
import { eventually } from '../support/eventually.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { createTopics, produce, readAll, textOf } from '../support/topics.ts'

const text = { keySerde: serdes.string(), valueSerde: serdes.string() }

async function memoryBroker(topics: { readonly [topic: string]: number }): Promise<Broker> {
  const broker = await openBroker('memory')
  onTestFinished(() => broker.close())
  await createTopics(broker, topics)
  return broker
}

async function application(
  broker: Broker,
  topology: Topology,
  config: Partial<StreamsConfig> = {},
  components: Partial<StreamsComponents> = {},
): Promise<KafkaStreams> {
  const stateDir = config.stateDir ?? (await temporaryDirectory())
  const streams = new KafkaStreams(
    topology,
    { applicationId: 'app', commitIntervalMs: 10, ...config, stateDir },
    { broker, logger: silentLogger, ...components },
  )
  onTestFinished(() => streams.close())
  return streams
}

function copy(from = 'in', to = 'out', map: (value: string) => string = value => value): Topology {
  const builder = new StreamsBuilder()
  builder.stream(from, text).mapValues(map).to(to, text)
  return builder.build()
}

const valuesOf = async (broker: Broker, topic: string) =>
  (await readAll(broker, topic)).map(({ value }) => textOf(value))

describe('what cannot run says why', () => {
  it('names the topics that do not exist', async () => {
    const broker = await memoryBroker({ in: 1 })
    const streams = await application(broker, copy())
    await expect(streams.start()).rejects.toMatchObject({
      code: 'TOPIC_MISSING',
      message: expect.stringContaining('"out"'),
    })
    expect(streams.state).toBe('error')
    expect(streams.error).toMatchObject({ code: 'TOPIC_MISSING' })
    await streams.close()
    expect(streams.state).toBe('not-running')
  })

  it('refuses a join of topics with unlike partition counts', async () => {
    const broker = await memoryBroker({ left: 2, right: 3, out: 1 })
    const builder = new StreamsBuilder()
    const table = builder.table('right', text)
    builder
      .stream('left', text)
      .join(table, (left, right) => left + right)
      .to('out', text)
    const streams = await application(broker, builder.build())
    await expect(streams.start()).rejects.toMatchObject({ code: 'CO_PARTITIONING' })
  })

  it('refuses a state directory that another process of the application has', async () => {
    const broker = await memoryBroker({ in: 1, out: 1 })
    const stateDir = await temporaryDirectory()
    const first = await application(broker, copy(), { stateDir })
    await first.start()
    const second = await application(broker, copy(), { stateDir })
    await expect(second.start()).rejects.toMatchObject({
      code: 'STATE_DIRECTORY_IN_USE',
      message: expect.stringContaining(stateDir),
    })
  })

  it('refuses to join members that divide the work differently', async () => {
    const broker = await memoryBroker({ in: 1, other: 1, out: 1 })
    await (await application(broker, copy('in'))).start()
    const second = await application(broker, copy('other'))
    await expect(second.start()).rejects.toMatchObject({ code: 'ANCHORS_CHANGED' })
  })

  it('refuses internal topics whose partition count no longer fits', async () => {
    const broker = await memoryBroker({ in: 2 })
    await createTopics(broker, { 'app-counts-changelog': 3 })
    const builder = new StreamsBuilder()
    builder.stream('in', text).groupByKey().count({ storeName: 'counts' })
    const streams = await application(broker, builder.build())
    await expect(streams.start()).rejects.toMatchObject({ code: 'INTERNAL_TOPIC_MISMATCH' })
  })

  it('refuses offsets that are not there under offsetReset none', async () => {
    const broker = await memoryBroker({ in: 1, out: 1 })
    const streams = await application(broker, copy(), { offsetReset: 'none' })
    await expect(streams.start()).rejects.toMatchObject({ code: 'NO_OFFSET' })
  })

  it('can be started once only', async () => {
    const streams = await application(await memoryBroker({ in: 1, out: 1 }), copy())
    await streams.start()
    await expect(streams.start()).rejects.toMatchObject({ code: 'ALREADY_STARTED' })
  })

  it('names the stores it has when asked for another', async () => {
    const streams = await application(await memoryBroker({ in: 1, out: 1 }), copy())
    expect(() => streams.store('nowhere')).toThrow(/no store "nowhere"; it has: none/)
  })
})

describe('errors of records', () => {
  const failOn = (bad: string) => (value: string) => {
    if (value === bad) throw new Error(`bad value ${bad}`)
    return value
  }

  it('a processor that throws ends the application, and commits nothing of its epoch', async () => {
    const broker = await memoryBroker({ in: 1, out: 1 })
    await produce(broker, 'in', 1, [
      ['k', 'good'],
      ['k', 'bad'],
    ])
    const streams = await application(broker, copy('in', 'out', failOn('bad')))
    await streams.start().catch(() => undefined)
    await eventually(() => expect(streams.state).toBe('error'))
    expect(streams.error).toMatchObject({
      code: 'PROCESSING_FAILED',
      message: expect.stringContaining('in-0@1'),
    })
    expect(await valuesOf(broker, 'out')).not.toContain('bad')
  })

  it('a handler may drop the record, which is counted', async () => {
    const broker = await memoryBroker({ in: 1, out: 1 })
    await produce(broker, 'in', 1, [
      ['k', 'good'],
      ['k', 'bad'],
      ['k', 'fine'],
    ])
    const asked: unknown[] = []
    const streams = await application(broker, copy('in', 'out', failOn('bad')), {
      processingErrorHandler: (error, { topic, offset }) => {
        asked.push([error.message, topic, offset])
        return 'continue'
      },
    })
    await streams.start()
    await eventually(async () => expect(await valuesOf(broker, 'out')).toEqual(['good', 'fine']))
    expect(asked).toEqual([['bad value bad', 'in', 1]])
    expect(streams.metrics.total('dropped-records-total')).toBe(1)
  })

  it('a record that does not deserialise is dropped by its handler, or ends the application', async () => {
    const broker = await memoryBroker({ in: 1, out: 1 })
    await produce(broker, 'in', 1, [
      ['k', 'no number'],
      ['k', '\0\0\0\0\0\0\0\u0007'],
    ])
    const builder = new StreamsBuilder()
    const numbers = { keySerde: serdes.string(), valueSerde: serdes.int64() }
    builder.stream('in', numbers).to('out', numbers)
    const failing = await application(broker, builder.build())
    await failing.start().catch(() => undefined)
    await eventually(() => expect(failing.error).toMatchObject({ code: 'DESERIALIZATION_FAILED' }))
    await failing.close()
    const going = await application(broker, builder.build(), {
      deserializationErrorHandler: () => 'continue',
    })
    await going.start()
    await eventually(async () => expect(await readAll(broker, 'out')).toHaveLength(1))
    expect(going.metrics.total('dropped-records-total')).toBe(1)
  })

  it('a processor that returns a promise is told to be synchronous', async () => {
    const broker = await memoryBroker({ in: 1, out: 1 })
    await produce(broker, 'in', 1, [['k', 'v']])
    const builder = new StreamsBuilder()
    builder
      .stream('in', text)
      .process<string, string>(() => ({ process: (async () => undefined) as unknown as () => void }))
      .to('out', text)
    const streams = await application(broker, builder.build())
    await streams.start().catch(() => undefined)
    await eventually(() => expect(streams.error?.cause).toMatchObject({ code: 'ASYNC_PROCESSOR' }))
  })

  it('replaces the thread where the handler for uncaught errors says so', async () => {
    const broker = await memoryBroker({ in: 1, out: 1 })
    await produce(broker, 'in', 1, [['k', 'once']])
    let failures = 0
    const topology = copy('in', 'out', value => {
      failures += 1
      if (failures === 1) throw new Error('the first time only')
      return value
    })
    const streams = await application(broker, topology, {}, { onUncaughtError: () => 'replace-thread' })
    await streams.start()
    await eventually(async () => expect(await valuesOf(broker, 'out')).toEqual(['once']))
  })

  it('goes on by the reset policy where the position has been deleted', async () => {
    const broker = await memoryBroker({ in: 1, out: 1 })
    const stateDir = await temporaryDirectory()
    await produce(broker, 'in', 1, [
      ['k', 'a'],
      ['k', 'b'],
    ])
    const first = await application(broker, copy(), { stateDir })
    await first.start()
    await eventually(async () => expect(await valuesOf(broker, 'out')).toEqual(['a', 'b']))
    await first.close()
    await produce(broker, 'in', 1, [
      ['k', 'c'],
      ['k', 'd'],
    ])
    const admin = await broker.admin()
    await admin.deleteRecords([{ topic: 'in', partition: 0, offset: 3 }])
    await admin.close()
    await (await application(broker, copy(), { stateDir })).start()
    await eventually(async () => expect(await valuesOf(broker, 'out')).toEqual(['a', 'b', 'd']))
  })
})
