import { describe, expect, it, onTestFinished } from 'vitest'
import type { Broker } from '../../lib/broker/broker.ts'
import { openEmbeddedBroker } from '../../lib/broker/embedded/embedded-broker.ts'
import { silentLogger } from '../../lib/common/logger.ts'
import { StreamsBuilder } from '../../lib/dsl/methods/streams-builder.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import type { StreamsConfig } from '../../lib/streams/config.ts'
import { KafkaStreams } from '../../lib/streams/kafka-streams.ts'
import { TopologyTestDriver } from '../../lib/testing/topology-test-driver.ts'
import { eventually } from '../support/eventually.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { createTopics, int64Of, produce, readAll, textOf } from '../support/topics.ts'

const text = { keySerde: serdes.string(), valueSerde: serdes.string() }
const RECORDS = 300
const isBad = (value: string) => Number(value.slice(1)) % 50 === 7

/** Counts and forwards, and fails after both. */
function topology() {
  const builder = new StreamsBuilder()
  const input = builder.stream('in', text)
  input.to('seen', text)
  input
    .groupByKey()
    .count({ storeName: 'counts' })
    .toStream()
    .to('counts-out', { keySerde: serdes.string(), valueSerde: serdes.int64() })
  input.peek(value => {
    if (isBad(value)) throw new Error(`no ${value}`)
  })
  return builder.build()
}

async function started(config: Partial<StreamsConfig>): Promise<{ broker: Broker; streams: KafkaStreams }> {
  const broker = await openEmbeddedBroker()
  onTestFinished(() => broker.close())
  await createTopics(broker, { in: 1, seen: 1, 'counts-out': 1, letters: 1 })
  const pairs = Array.from({ length: RECORDS }, (_, n) => [`k${n % 3}`, `v${n}`] as const)
  await produce(broker, 'in', 1, pairs)
  const stateDir = await temporaryDirectory()
  const streams = new KafkaStreams(
    topology(),
    { applicationId: 'app', stateDir, commitIntervalMs: 5, deadLetterQueueTopic: 'letters', ...config },
    { broker, logger: silentLogger },
  )
  onTestFinished(() => streams.close())
  await streams.start().catch(() => undefined)
  return { broker, streams }
}

const values = async (broker: Broker, topic: string) =>
  (await readAll(broker, topic)).map(({ value }) => textOf(value))

describe("the answer 'rollback' of processingErrorHandler", () => {
  it('undoes what the record has put and forwarded, and writes its letter, exactly once', async () => {
    const asked: string[] = []
    const { broker, streams } = await started({
      processingErrorHandler: error => {
        asked.push(error.message)
        return 'rollback'
      },
    })
    const all = Array.from({ length: RECORDS }, (_, n) => `v${n}`)
    const good = all.filter(value => !isBad(value))
    const bad = all.filter(isBad)
    await eventually(async () => expect(await values(broker, 'seen')).toEqual(good))
    await eventually(async () => expect(await values(broker, 'letters')).toEqual(bad))
    const counts = (await readAll(broker, 'counts-out')).map(({ key, value }) => [
      textOf(key),
      int64Of(value),
    ])
    for (const [at, key] of ['k0', 'k1', 'k2'].entries()) {
      const mine = good.filter(value => Number(value.slice(1)) % 3 === at).length
      await eventually(() => expect(streams.store<string, number>('counts').get(key)).toBe(mine))
      expect(counts.filter(([each]) => each === key).at(-1)?.[1]).toBe(mine)
    }
    expect([...new Set(asked)]).toEqual(bad.map(value => `no ${value}`))
    expect(streams.metrics.total('dropped-records-total')).toBeGreaterThanOrEqual(bad.length)
    expect(streams.state).toBe('running')
  })

  it('writes the letters that the handler gave', async () => {
    const { broker } = await started({
      processingErrorHandler: (error, { source }) => ({
        answer: 'rollback',
        deadLetters: [
          {
            topic: 'letters',
            key: source?.key ?? null,
            value: Buffer.from(error.message),
            timestamp: 1,
            headers: [],
          },
        ],
      }),
    })
    await eventually(async () => expect(await values(broker, 'letters')).toHaveLength(RECORDS / 50))
    expect((await values(broker, 'letters'))[0]).toBe('no v7')
  })

  it('is refused where there is no transaction to abort, by what it says', async () => {
    const { streams } = await started({
      processingGuarantee: 'at-least-once',
      processingErrorHandler: () => 'rollback',
    })
    await eventually(() => expect(streams.state).toBe('error'))
    expect(streams.error).toMatchObject({ code: 'ROLLBACK_IMPOSSIBLE' })
    expect(streams.error?.message).toContain('exactly-once')
    const driver = new TopologyTestDriver(topology(), {
      config: { processingErrorHandler: () => 'rollback' },
    })
    expect(() => driver.createInputTopic('in', text).pipeInput('k', 'v7')).toThrow(/rollback/)
    driver.close()
  })
})
