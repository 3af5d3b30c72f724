import { describe, expect, it, onTestFinished } from 'vitest'
import type { Broker, Consumer } from '../../lib/broker/broker.ts'
import { openEmbeddedBroker, type EmbeddedBroker } from '../../lib/broker/embedded/embedded-broker.ts'
import type { Interceptor } from '../../lib/broker/embedded/state/interceptions.ts'
import { silentLogger } from '../../lib/common/logger.ts'
import { StreamsBuilder } from '../../lib/dsl/methods/streams-builder.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import { KafkaStreams } from '../../lib/streams/kafka-streams.ts'
import {
  commitSubject,
  expectedOutcome,
  expectSame,
  prepareSubject,
  seenOutcome,
} from '../support/commit-subject.ts'
import { eventually } from '../support/eventually.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { createTopics, produce } from '../support/topics.ts'

const never = new Promise<never>(() => undefined)

/** A gate that is shut until it is opened. */
function gate(): { readonly passed: Promise<void>; open: () => void } {
  let open = (): void => undefined
  const passed = new Promise<void>(resolve => (open = resolve))
  return { passed, open }
}

/** The broker as an application that can die sees it: its group consumers can be evicted. */
function mortal(broker: EmbeddedBroker): { readonly broker: Broker; evictAll: () => void } {
  const consumers: Consumer[] = []
  return {
    broker: {
      name: broker.name,
      consumer: async options => {
        const consumer = await broker.consumer(options)
        if (options.group) consumers.push(consumer)
        return consumer
      },
      producer: options => broker.producer(options),
      admin: () => broker.admin(),
      close: async () => undefined,
    },
    evictAll: () => consumers.forEach(consumer => broker.evict(consumer)),
  }
}

const settings = {
  applicationId: 'subject',
  commitIntervalMs: 0,
  maxPollRecords: 20,
  bufferedRecordsPerPartition: 20,
}

describe('taking a task over', () => {
  it('loses nothing of a transaction that is decided, while its marker in the changelog is still to come (KAFKA-10167)', async () => {
    const records = 2_000
    const marker = gate()
    const held = new Set<string>()
    let dead = false
    let markers = 0
    const interceptor: Interceptor = ({ operation, clientId, topic }) => {
      // A dead process neither asks nor hears.
      if (dead && clientId?.startsWith('first')) return never
      if (operation !== 'write-marker' || topic !== 'subject-counts-changelog') return
      markers += 1
      if (markers !== 4) return
      held.add(topic)
      return marker.passed
    }
    const broker = await openEmbeddedBroker({ interceptor })
    onTestFinished(() => broker.close())
    await prepareSubject(broker, records)
    const view = mortal(broker)
    const first = new KafkaStreams(
      commitSubject(),
      { ...settings, clientId: 'first', stateDir: await temporaryDirectory() },
      { broker: view.broker, logger: silentLogger },
    )
    await first.start()
    await eventually(() => expect(held.size).toBe(1))
    // The decision is there: the offsets of the fourth commit, of 20 records and more each, already count.
    const admin = await broker.admin()
    await eventually(async () =>
      expect(
        (await admin.groupOffsets('subject', [{ topic: 'in', partition: 0 }])).get('in-0')?.offset,
      ).toBeGreaterThanOrEqual(80),
    )
    dead = true
    view.evictAll()
    const second = new KafkaStreams(
      commitSubject(),
      { ...settings, clientId: 'second', stateDir: await temporaryDirectory() },
      { broker, logger: silentLogger },
    )
    onTestFinished(() => second.close())
    const starting = second.start()
    const changelog = [{ topic: 'subject-counts-changelog', partition: 0 }]
    const stable = (await admin.endOffsets(changelog, 'read_committed')).get('subject-counts-changelog-0')!
    const high = (await admin.endOffsets(changelog, 'read_uncommitted')).get('subject-counts-changelog-0')!
    expect(stable).toBeLessThan(high)
    // It has replayed what is stable, and must not start without the rest: not at any of many looks.
    let hasStarted = false
    void starting.then(() => (hasStarted = true))
    await eventually(() => expect(second.metrics.total('restore-total')).toBeGreaterThanOrEqual(stable - 3))
    let looks = 0
    await eventually(() => hasStarted || (looks += 1) > 60)
    expect(hasStarted).toBe(false)
    marker.open()
    await starting
    await eventually(async () => expectSame(await seenOutcome(broker), expectedOutcome(records)), {})
  })

  it('waits for offsets that an undecided transaction holds, then goes on from what it came to', async () => {
    const records = 2_000
    let dead = false
    let commits = 0
    const interceptor: Interceptor = ({ operation, clientId }) => {
      if (dead && clientId?.startsWith('first')) return never
      if (operation !== 'end-transaction' || !clientId?.startsWith('first')) return
      commits += 1
      if (commits < 4) return
      dead = true
      return never
    }
    const broker = await openEmbeddedBroker({ interceptor })
    onTestFinished(() => broker.close())
    await prepareSubject(broker, records)
    const view = mortal(broker)
    const first = new KafkaStreams(
      commitSubject(),
      // Short, so that the broker soon aborts what the dead process left open.
      { ...settings, clientId: 'first', stateDir: await temporaryDirectory(), transactionTimeoutMs: 300 },
      { broker: view.broker, logger: silentLogger },
    )
    await first.start()
    await eventually(() => expect(dead).toBe(true))
    view.evictAll()
    const second = new KafkaStreams(
      commitSubject(),
      { ...settings, clientId: 'second', stateDir: await temporaryDirectory() },
      { broker, logger: silentLogger },
    )
    onTestFinished(() => second.close())
    await second.start()
    await eventually(async () => expectSame(await seenOutcome(broker), expectedOutcome(records)), {})
  })

  it('replays less than 1 % of 1,000,000 keys after a clean close', async () => {
    const keys = 1_000_000
    const broker = await openEmbeddedBroker()
    onTestFinished(() => broker.close())
    await createTopics(broker, { in: 2 })
    await produce(
      broker,
      'in',
      2,
      (function* () {
        for (let at = 0; at < keys; at += 1) yield [`key-${at}`, ''] as const
      })(),
    )
    const stateDir = await temporaryDirectory()
    const run = async () => {
      const builder = new StreamsBuilder()
      builder
        .stream('in', { keySerde: serdes.string(), valueSerde: serdes.string() })
        .groupByKey()
        .count({ storeName: 'counts' })
      const streams = new KafkaStreams(
        builder.build(),
        { applicationId: 'many', stateDir, cacheBytesMax: 0 },
        { broker, logger: silentLogger },
      )
      await streams.start()
      return streams
    }
    const first = await run()
    await eventually(() => expect(first.metrics.total('process-total')).toBe(keys), { pauseMs: 50 })
    await first.close()
    const second = await run()
    expect(second.store<string, number>('counts').approximateNumEntries()).toBe(keys)
    expect(second.metrics.total('restore-total')).toBeLessThan(keys / 100)
    await second.close()
  })
})
