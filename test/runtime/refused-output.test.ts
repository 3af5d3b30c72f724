import { describe, expect, it, onTestFinished } from 'vitest'
import type { Broker } from '../../lib/broker/broker.ts'
import { BrokerError } from '../../lib/broker/broker-error.ts'
import { openEmbeddedBroker } from '../../lib/broker/embedded/embedded-broker.ts'
import { utf8, utf8Text } from '../../lib/common/bytes.ts'
import { systemClock, type Clock } from '../../lib/common/clock.ts'
import { silentLogger } from '../../lib/common/logger.ts'
import { StreamsBuilder } from '../../lib/dsl/methods/streams-builder.ts'
import type { ErrorHandlerContext } from '../../lib/processor/error-handlers.ts'
import type { ProcessingGuarantee } from '../../lib/runtime/plan/settings.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import type { StreamsConfig } from '../../lib/streams/config.ts'
import { KafkaStreams } from '../../lib/streams/kafka-streams.ts'
import { eventually } from '../support/eventually.ts'
import { fastClock } from '../support/fast-clock.ts'
import { refusedForGood, refusing, type Refusal } from '../support/refusing-broker.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { createTopics, produce, readAll } from '../support/topics.ts'

const text = { keySerde: serdes.string(), valueSerde: serdes.string() }
const RECORDS = 200
const BAD = 77
const guarantees: readonly ProcessingGuarantee[] = ['exactly-once', 'at-least-once']
const subjects = guarantees.flatMap(processingGuarantee =>
  [false, true].map(atOnce => ({ processingGuarantee, atOnce })),
)

/** Each input goes to `out`, and to `counts` by way of a repartition topic. */
function topology() {
  const builder = new StreamsBuilder()
  const input = builder.stream('in', text)
  input.to('out', text)
  input
    .selectKey(value => value)
    .groupByKey({ ...text, name: 'by-value' })
    .count({ storeName: 'counts' })
  return builder.build()
}

interface Subject {
  readonly broker: Broker
  readonly streams: KafkaStreams
}

async function open(
  refusal: Refusal,
  { atOnce, ...config }: Partial<StreamsConfig> & { readonly atOnce: boolean },
  clock: Clock = systemClock,
): Promise<Subject> {
  const broker = await openEmbeddedBroker()
  onTestFinished(() => broker.close())
  await createTopics(broker, { in: 1, out: 1, letters: 1 })
  await produce(
    broker,
    'in',
    1,
    Array.from({ length: RECORDS }, (_, n) => [`k${n}`, `v${n}`, 1_000 + n] as const),
  )
  const streams = new KafkaStreams(
    topology(),
    {
      applicationId: 'app',
      stateDir: await temporaryDirectory(),
      commitIntervalMs: 10,
      deadLetterQueueTopic: 'letters',
      ...config,
    },
    { broker: refusing(broker, refusal, { atOnce }), clock, logger: silentLogger },
  )
  onTestFinished(() => streams.close())
  return { broker, streams }
}

/** The values of a topic, each once. */
async function distinct(broker: Broker, topic: string): Promise<string[]> {
  const values = (await readAll(broker, topic)).map(({ value }) => utf8Text(value ?? new Uint8Array()))
  return [...new Set(values)]
}

const all = Array.from({ length: RECORDS }, (_, n) => `v${n}`)
const allButBad = all.filter(value => value !== `v${BAD}`)

const badTo =
  (topic: string): Refusal =>
  record =>
    record.topic === topic && utf8Text(record.value ?? new Uint8Array()) === `v${BAD}`
      ? refusedForGood(record)
      : undefined

describe.each(subjects)('an output refused for good (at once: $atOnce, $processingGuarantee)', subject => {
  const { processingGuarantee } = subject
  it('is dropped, and its letter written, where the handler says continue', async () => {
    const inputs: (ErrorHandlerContext | undefined)[] = []
    const { broker, streams } = await open(badTo('out'), {
      ...subject,
      productionErrorHandler: (_, { input }) => {
        inputs.push(input)
        return 'continue'
      },
    })
    await streams.start()
    const counts = streams.store<string, number>('counts')
    await eventually(() => expect(counts.get(`v${RECORDS - 1}`)).toBeGreaterThanOrEqual(1))
    await eventually(async () => expect(await distinct(broker, 'out')).toEqual(allButBad))
    expect(inputs).toMatchObject([{ topic: 'in', partition: 0, offset: BAD }])
    expect(streams.metrics.total('dropped-records-total')).toBe(1)
    expect(await distinct(broker, 'letters')).toEqual([`v${BAD}`])
    expect(streams.state).toBe('running')
    if (processingGuarantee === 'exactly-once') {
      expect(await readAll(broker, 'out')).toHaveLength(RECORDS - 1)
      expect(await readAll(broker, 'letters')).toHaveLength(1)
      for (const value of all) await eventually(() => expect(counts.get(value)).toBe(1))
    }
  })

  it('ends the application where the handler says fail', async () => {
    const { streams } = await open(badTo('out'), {
      ...subject,
      productionErrorHandler: () => 'fail',
    })
    await streams.start().catch(() => undefined)
    await eventually(() => expect(streams.state).toBe('error'))
    expect(streams.error).toMatchObject({ code: 'PRODUCTION_FAILED', cause: { code: 'INVALID_RECORD' } })
    expect(streams.error?.message).toContain('"out"')
  })

  it('is sent again where the handler says retry, until the broker takes it', async () => {
    let refusals = 3
    const { broker, streams } = await open(
      record => {
        const error = refusals > 0 ? badTo('out')(record) : undefined
        if (error) refusals -= 1
        return error
      },
      { ...subject, productionErrorHandler: () => 'retry' },
    )
    await streams.start()
    await eventually(async () => expect((await distinct(broker, 'out')).sort()).toEqual([...all].sort()))
    expect(refusals).toBe(0)
    expect(streams.metrics.total('dropped-records-total')).toBe(0)
  })

  it("is the production handler's affair in a repartition topic too", async () => {
    const asked: string[] = []
    const { broker, streams } = await open(badTo('app-by-value-repartition'), {
      ...subject,
      productionErrorHandler: (_, { topic }) => {
        asked.push(topic)
        return 'continue'
      },
    })
    await streams.start()
    const counts = streams.store<string, number>('counts')
    for (const value of allButBad) await eventually(() => expect(counts.get(value)).toBeGreaterThanOrEqual(1))
    await eventually(async () => expect(await distinct(broker, 'letters')).toEqual([`v${BAD}`]))
    await eventually(() => expect(counts.get(`v${BAD}`)).toBeUndefined())
    expect(asked).toEqual(['app-by-value-repartition'])
  })

  it('in a changelog is the failure of its input, which is skipped where that handler says continue', async () => {
    const asked: unknown[] = []
    const { broker, streams } = await open(
      record =>
        record.topic === 'app-counts-changelog' && utf8Text(record.key ?? utf8('')) === `v${BAD}`
          ? refusedForGood(record)
          : undefined,
      {
        ...subject,
        productionErrorHandler: () => {
          throw new Error('nobody may drop a change of state')
        },
        processingErrorHandler: (error, { topic, offset }) => {
          asked.push([(error as { code?: string }).code, topic, offset])
          return 'continue'
        },
      },
    )
    await streams.start()
    const counts = streams.store<string, number>('counts')
    for (const value of allButBad) await eventually(() => expect(counts.get(value)).toBeGreaterThanOrEqual(1))
    await eventually(async () => expect(await distinct(broker, 'letters')).toEqual([`v${BAD}`]))
    await eventually(() => expect(counts.get(`v${BAD}`)).toBeUndefined())
    expect(asked[0]).toEqual(['CHANGELOG_RECORD_REFUSED', 'app-by-value-repartition', expect.any(Number)])
    if (processingGuarantee === 'exactly-once') {
      expect(asked).toHaveLength(1)
      for (const value of allButBad) await eventually(() => expect(counts.get(value)).toBe(1))
    }
  })

  it('in a changelog ends the application where that handler says fail', async () => {
    const { streams } = await open(
      record => (record.topic === 'app-counts-changelog' ? refusedForGood(record) : undefined),
      { ...subject, productionErrorHandler: () => 'continue' },
    )
    await streams.start().catch(() => undefined)
    await eventually(() => expect(streams.state).toBe('error'))
    expect(streams.error).toMatchObject({ code: 'PROCESSING_FAILED' })
    expect(streams.error?.message).toContain('changelog')
  })

  it('for want of a right ends the application, and asks no handler', async () => {
    const asked: string[] = []
    const { streams } = await open(
      record =>
        record.topic === 'out'
          ? new BrokerError('TOPIC_AUTHORIZATION_FAILED', 'authorization', 'may not write to out', {
              partitions: [record],
            })
          : undefined,
      {
        ...subject,
        productionErrorHandler: (_, { topic }) => {
          asked.push(topic)
          return 'continue'
        },
      },
    )
    await streams.start().catch(() => undefined)
    await eventually(() => expect(streams.state).toBe('error'))
    expect(streams.error).toMatchObject({ code: 'TOPIC_AUTHORIZATION_FAILED' })
    expect(streams.error?.message).toContain('the principal of this client lacks the right')
    expect(streams.error?.message).toContain('on topic out')
    expect(asked).toEqual([])
  })
})

describe('a topic that is deleted while the application runs', () => {
  it.each(guarantees)(
    "ends it after half a minute, by its name, where it is the application's output (%s)",
    async processingGuarantee => {
      const { broker, streams } = await open(
        () => undefined,
        { processingGuarantee, atOnce: false },
        fastClock(20),
      )
      await streams.start()
      await eventually(async () => expect(await readAll(broker, 'out')).toHaveLength(RECORDS))
      const admin = await broker.admin()
      await admin.deleteTopics(['out'])
      await produce(broker, 'in', 1, [['late', 'late']])
      await eventually(() => expect(streams.state).toBe('error'))
      expect(streams.error?.message).toContain('"out"')
      await admin.createTopics([{ topic: 'out', partitionCount: 1 }])
      await admin.close()
    },
  )

  it('and made again goes on, where that takes less', async () => {
    const { broker, streams } = await open(() => undefined, { atOnce: false }, fastClock(2))
    await streams.start()
    await eventually(async () => expect(await readAll(broker, 'out')).toHaveLength(RECORDS))
    const admin = await broker.admin()
    await admin.deleteTopics(['out'])
    await produce(broker, 'in', 1, [['late', 'late']])
    await eventually(() => expect(streams.metrics.total('rejoin-total')).toBeGreaterThan(0))
    await admin.createTopics([{ topic: 'out', partitionCount: 1 }])
    await admin.close()
    await eventually(async () => expect(await distinct(broker, 'out')).toEqual(['late']))
    await eventually(() => expect(streams.state).toBe('running'))
  })
})
