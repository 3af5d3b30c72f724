import { expect, it, onTestFinished } from 'vitest'
import type { Broker } from '../../lib/broker/broker.ts'
import { openEmbeddedBroker } from '../../lib/broker/embedded/embedded-broker.ts'
import type { Interceptor } from '../../lib/broker/embedded/state/interceptions.ts'
import { silentLogger } from '../../lib/common/logger.ts'
import { StreamsBuilder } from '../../lib/dsl/methods/streams-builder.ts'
import type { Serde } from '../../lib/serde/serde.ts'
import { SerdePendingError } from '../../lib/serde/serde-pending-error.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import type { StreamsConfig } from '../../lib/streams/config.ts'
import { KafkaStreams } from '../../lib/streams/kafka-streams.ts'
import type { Topology } from '../../lib/topology/topology.ts'
import { eventually } from '../support/eventually.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { createTopics, produce, readAll } from '../support/topics.ts'

const text = { keySerde: serdes.string(), valueSerde: serdes.string() }
const COUNT = 5
const GUARANTEES = ['exactly-once', 'at-least-once'] as const

const UNREADABLE: Serde<string> = {
  ...serdes.string(),
  deserialize: () => {
    throw new Error('no text')
  },
}

/** A serde whose schema comes later, and then is not the one of these bytes. */
function unreadableLater(): Serde<string> {
  const settled = new Promise<void>(resolve => void setImmediate(resolve))
  let isKnown = false
  void settled.then(() => (isKnown = true))
  return {
    ...serdes.string(),
    deserialize: () => {
      if (!isKnown) throw new SerdePendingError('the schema is being fetched', settled)
      throw new Error('no text')
    },
  }
}

/** Why nothing is processed of what comes. */
const DROPS: readonly { readonly because: string; readonly topology: () => Topology }[] = [
  {
    because: 'their timestamps are negative',
    topology: () => copy({ ...text, timestampExtractor: () => -1 }),
  },
  {
    because: 'they cannot be read',
    topology: () => copy({ keySerde: serdes.string(), valueSerde: UNREADABLE }),
  },
  {
    because: 'they cannot be read once their schema is there',
    topology: () => copy({ keySerde: serdes.string(), valueSerde: unreadableLater() }),
  },
  {
    because: 'an operator finds no key',
    topology: () => {
      const builder = new StreamsBuilder()
      builder
        .stream('in', text)
        .groupByKey()
        .count()
        .toStream()
        .to('out', { keySerde: serdes.string(), valueSerde: serdes.int64() })
      return builder.build()
    },
  },
]

for (const processingGuarantee of GUARANTEES) {
  it.each(DROPS)(
    `commits behind records that are all dropped, since $because (${processingGuarantee})`,
    async ({ topology }) => {
      const broker = await memoryBroker()
      const config = { processingGuarantee, deserializationErrorHandler: () => 'continue' as const }
      await application(broker, topology(), config)
      await produce(
        broker,
        'in',
        1,
        Array.from({ length: COUNT }, () => [null, 'x'] as const),
      )

      await eventually(async () => expect(await committed(broker)).toBe(COUNT), { what: 'the commit' })
      expect(await readAll(broker, 'out')).toEqual([])
    },
  )

  it(`commits behind aborted records (${processingGuarantee})`, async () => {
    const broker = await memoryBroker()
    await application(broker, copy(text), { processingGuarantee })
    await produceUnread(broker)
    await eventually(async () => expect(await committed(broker)).toBe(2), { what: 'the commit' })
  })

  it.each(['while it is stopped', 'under it'])(
    `commits the offset that it was reset to, though no record comes (deleted %s, ${processingGuarantee})`,
    async when => {
      const reads = new Reads()
      const broker = await memoryBroker(reads)
      const stateDir = await temporaryDirectory()
      await produce(broker, 'in', 1, [['k', 'a']])
      const start = () => application(broker, copy(text), { stateDir, processingGuarantee })
      const first = await start()
      await eventually(async () => expect(await committed(broker)).toBe(1), { what: 'the commit' })

      const admin = await broker.admin()
      const gone = async () => {
        await produceUnread(broker)
        await admin.deleteRecords([{ topic: 'in', partition: 0, offset: 3 }])
      }
      if (when === 'under it') {
        // What is deleted must not be read before.
        const release = reads.hold()
        await gone()
        release()
      } else {
        await first.close()
        await gone()
        await start()
      }
      await eventually(async () => expect(await committed(broker)).toBe(3), { what: 'the commit' })
      await admin.close()
    },
  )
}

/** A record of a transaction that is aborted, and the marker: two offsets. */
async function produceUnread(broker: Broker): Promise<void> {
  const producer = await broker.producer({ clientId: 'test', transactionalId: 'unread' })
  await producer.initTransactions()
  await producer.begin()
  const record = { topic: 'in', partition: 0, timestamp: 1, headers: [], key: null, value: null }
  producer.send(record)
  await producer.flush()
  await producer.abortTransaction()
  await producer.close()
}

function copy(source: Parameters<StreamsBuilder['stream']>[1]): Topology {
  const builder = new StreamsBuilder()
  builder.stream('in', source).to('out', text as never)
  return builder.build()
}

/** Holds back what applications read of their input. */
class Reads {
  #held: Promise<void> | undefined

  readonly interceptor: Interceptor = ({ operation, topic }) =>
    operation === 'fetch' && topic === 'in' ? this.#held : undefined

  hold(): () => void {
    let release = () => undefined as void
    this.#held = new Promise(resolve => (release = resolve))
    return () => {
      this.#held = undefined
      release()
    }
  }
}

async function memoryBroker({ interceptor }: Reads = new Reads()): Promise<Broker> {
  const broker = await openEmbeddedBroker({ interceptor })
  onTestFinished(() => broker.close())
  await createTopics(broker, { in: 1, out: 1 })
  return broker
}

async function application(
  broker: Broker,
  topology: Topology,
  config: Partial<StreamsConfig>,
): Promise<KafkaStreams> {
  const stateDir = config.stateDir ?? (await temporaryDirectory())
  const settings = { applicationId: 'app', commitIntervalMs: 10, ...config, stateDir }
  const streams = new KafkaStreams(topology, settings, { broker, logger: silentLogger })
  onTestFinished(() => streams.close())
  await streams.start()
  return streams
}

async function committed(broker: Broker): Promise<number | undefined> {
  const admin = await broker.admin()
  const offsets = await admin.groupOffsets('app', [{ topic: 'in', partition: 0 }])
  await admin.close()
  return offsets.get('in-0')?.offset
}
