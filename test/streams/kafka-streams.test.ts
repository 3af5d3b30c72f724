import { describe, expect, it, onTestFinished } from 'vitest'
import type { Broker } from '../../lib/broker/broker.ts'
import { openBroker } from '../../lib/broker/open-broker.ts'
import { silentLogger } from '../../lib/common/logger.ts'
import { StreamsBuilder } from '../../lib/dsl/streams-builder.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import type { StreamsConfig } from '../../lib/streams/config.ts'
import { KafkaStreams } from '../../lib/streams/kafka-streams.ts'
import { eventually } from '../support/eventually.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { createTopics, int64Of, produce, readAll, textOf } from '../support/topics.ts'

function wordCount() {
  const builder = new StreamsBuilder()
  builder
    .stream('lines', { keySerde: serdes.string(), valueSerde: serdes.string() })
    .flatMapValues(line => line.split(' '))
    .groupBy(word => word, { keySerde: serdes.string(), valueSerde: serdes.string() })
    .count({ storeName: 'counts' })
    .toStream()
    .to('counts-out', { keySerde: serdes.string(), valueSerde: serdes.int64() })
  return builder.build()
}

async function memoryBroker(): Promise<Broker> {
  const broker = await openBroker('memory')
  onTestFinished(() => broker.close())
  await createTopics(broker, { lines: 3, 'counts-out': 2 })
  return broker
}

async function started(
  broker: Broker,
  config: Partial<StreamsConfig> & { stateDir: string },
): Promise<KafkaStreams> {
  const streams = new KafkaStreams(
    wordCount(),
    { applicationId: 'words', ...config },
    { broker, logger: silentLogger },
  )
  onTestFinished(() => streams.close())
  await streams.start()
  return streams
}

async function finalCounts(broker: Broker): Promise<{ [word: string]: number }> {
  const counts: { [word: string]: number } = {}
  for (const { key, value } of await readAll(broker, 'counts-out')) counts[textOf(key)!] = int64Of(value)!
  return counts
}

describe.each(['exactly-once', 'at-least-once'] as const)('KafkaStreams %s', processingGuarantee => {
  const base = { processingGuarantee, commitIntervalMs: 20 }

  it('counts words over a repartition topic, and shows them in its store', async () => {
    const broker = await memoryBroker()
    const streams = await started(broker, { ...base, stateDir: await temporaryDirectory() })
    await produce(broker, 'lines', 3, [
      ['1', 'to be or'],
      ['2', 'not to be'],
    ])
    await eventually(async () => expect(await finalCounts(broker)).toEqual({ to: 2, be: 2, or: 1, not: 1 }))
    const store = streams.store<string, { value: number }>('counts')
    await eventually(() => expect(store.get('to')?.value).toBe(2))
    await streams.close()
    expect(streams.state).toBe('not-running')
  })

  it('goes on after a clean close where it was', async () => {
    const broker = await memoryBroker()
    const stateDir = await temporaryDirectory()
    for (const round of [1, 2, 3]) {
      const streams = await started(broker, { ...base, stateDir })
      await produce(broker, 'lines', 3, [['k', 'a b a']])
      await eventually(async () => expect(await finalCounts(broker)).toEqual({ a: 2 * round, b: round }))
      await streams.close()
    }
  })

  it('restores from the changelog when its disk is gone', async () => {
    const broker = await memoryBroker()
    const first = await started(broker, { ...base, stateDir: await temporaryDirectory() })
    await produce(broker, 'lines', 3, [['k', 'a b a']])
    await eventually(async () => expect(await finalCounts(broker)).toEqual({ a: 2, b: 1 }))
    await first.close()
    await started(broker, { ...base, stateDir: await temporaryDirectory() })
    await produce(broker, 'lines', 3, [['k', 'a']])
    await eventually(async () => expect(await finalCounts(broker)).toEqual({ a: 3, b: 1 }))
  })

  it('shares the work among members, and hands it over when one leaves', async () => {
    const broker = await memoryBroker()
    const first = await started(broker, { ...base, stateDir: await temporaryDirectory() })
    const second = await started(broker, { ...base, stateDir: await temporaryDirectory() })
    await produce(
      broker,
      'lines',
      3,
      Array.from({ length: 30 }, (_, at) => [`${at}`, `w${at} all`] as const),
    )
    await eventually(async () => expect((await finalCounts(broker))['all']).toBe(30))
    await first.close()
    await produce(
      broker,
      'lines',
      3,
      Array.from({ length: 30 }, (_, at) => [`${at}`, `w${at} all`] as const),
    )
    await eventually(async () => expect((await finalCounts(broker))['all']).toBe(60))
    const counts = await finalCounts(broker)
    expect(Object.keys(counts)).toHaveLength(31)
    expect(new Set(Object.values(counts))).toEqual(new Set([2, 60]))
    await second.close()
  })
})
