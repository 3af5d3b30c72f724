import { describe, expect, it, onTestFinished } from 'vitest'
import type { Broker } from '../../lib/broker/broker.ts'
import { openBroker } from '../../lib/broker/open/open-broker.ts'
import { silentLogger } from '../../lib/common/logger.ts'
import { StreamsBuilder } from '../../lib/dsl/methods/streams-builder.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import { KafkaStreams } from '../../lib/streams/kafka-streams.ts'
import { eventually } from '../support/eventually.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { createTopics, produce } from '../support/topics.ts'

const text = { keySerde: serdes.string(), valueSerde: serdes.string() }

async function memoryBroker(): Promise<Broker> {
  const broker = await openBroker('memory')
  onTestFinished(() => broker.close())
  await createTopics(broker, { in: 2, names: 2 }, ['names'])
  return broker
}

async function started(broker: Broker, stateDir: string): Promise<KafkaStreams> {
  const builder = new StreamsBuilder()
  builder.globalTable('names', { ...text, storeName: 'all-names' })
  builder.stream('in', text).groupByKey().count({ storeName: 'counts' })
  const config = { applicationId: 'app', commitIntervalMs: 10, stateDir }
  const streams = new KafkaStreams(builder.build(), config, { broker, logger: silentLogger })
  onTestFinished(() => streams.close())
  await streams.start()
  return streams
}

const counts = (streams: KafkaStreams) => streams.store<string, number>('counts')
const names = (streams: KafkaStreams) => streams.store<string, string>('all-names')

describe('stores seen from outside', () => {
  it('show what is committed, and survive a restart', async () => {
    const broker = await memoryBroker()
    const stateDir = await temporaryDirectory()
    const first = await started(broker, stateDir)
    await produce(broker, 'in', 2, [
      ['a', ''],
      ['b', ''],
      ['a', ''],
    ])
    await eventually(() => expect(counts(first).get('a')).toBe(2))
    const all: string[] = []
    for await (const [key] of counts(first).all()) all.push(key)
    expect(all.sort()).toEqual(['a', 'b'])
    const stamped = first.timestampedStore<string, number>('counts')
    expect(stamped.get('a')).toEqual({ value: 2, timestamp: 1_000 })
    await first.close()
    expect(() => counts(first).get('a')).toThrow(/no task of this process holds store "counts"/)
    const second = await started(broker, stateDir)
    expect(counts(second).get('a')).toBe(2)
  })

  it('are restored from the changelog after cleanUp()', async () => {
    const broker = await memoryBroker()
    const stateDir = await temporaryDirectory()
    const first = await started(broker, stateDir)
    await produce(broker, 'in', 2, [
      ['a', ''],
      ['a', ''],
    ])
    await eventually(() => expect(counts(first).get('a')).toBe(2))
    await expect(first.cleanUp()).rejects.toMatchObject({ code: 'STILL_RUNNING' })
    await first.close()
    await first.cleanUp()
    const second = await started(broker, stateDir)
    expect(second.metrics.total('restore-total')).toBeGreaterThan(0)
    expect(counts(second).get('a')).toBe(2)
  })

  it('tell their changes after the commit that made them true', async () => {
    const broker = await memoryBroker()
    const streams = await started(broker, await temporaryDirectory())
    const seen = new Map<string, number | null>()
    const subscription = streams
      .changes<string, number>('counts')
      .subscribe(({ key, value }) => seen.set(key, value))
    await produce(broker, 'in', 2, [
      ['a', ''],
      ['b', ''],
      ['a', ''],
    ])
    await eventually(() => expect(Object.fromEntries(seen)).toEqual({ a: 2, b: 1 }))
    subscription.unsubscribe()
  })

  it('whose changes cannot be read tell their watcher, and commit all the same', async () => {
    const broker = await memoryBroker()
    const builder = new StreamsBuilder()
    const valueSerde = {
      ...serdes.string(),
      deserialize(): string {
        throw new Error('unreadable')
      },
      // So they are kept as they are, and read by nobody but the watcher.
      roundTrips: () => true,
    }
    builder.stream('in', text).toTable({ storeName: 'rows', keySerde: serdes.string(), valueSerde })
    const config = { applicationId: 'app', commitIntervalMs: 10, stateDir: await temporaryDirectory() }
    const streams = new KafkaStreams(builder.build(), config, { broker, logger: silentLogger })
    onTestFinished(() => streams.close())
    await streams.start()
    const errors: unknown[] = []
    streams.changes('rows').subscribe({ error: error => errors.push(error) })
    await produce(broker, 'in', 2, [['a', 'x']])
    await eventually(() => expect(errors).toEqual([new Error('unreadable')]))
    const before = streams.metrics.total('commit-total')
    await produce(broker, 'in', 2, [['b', 'x']])
    await eventually(() => streams.metrics.total('commit-total') > before)
    await eventually(() => streams.describeStore('rows').lag === 0)
    expect(streams.state).toBe('running')
    expect(errors).toHaveLength(1)
  })

  it.each(['exactly-once', 'at-least-once'] as const)(
    'show a change when it is told of (%s)',
    async processingGuarantee => {
      const broker = await memoryBroker()
      const builder = new StreamsBuilder()
      const counts = builder.stream('in', text).groupByKey().count({ storeName: 'counts' })
      const config = { applicationId: 'app', processingGuarantee, commitIntervalMs: 1 }
      const stateDir = await temporaryDirectory()
      const streams = new KafkaStreams(
        builder.build(),
        { ...config, stateDir },
        { broker, logger: silentLogger },
      )
      onTestFinished(() => streams.close())
      await streams.start()
      const told: number[] = []
      const shown: number[] = []
      streams.changes(counts).subscribe(({ key, value }) => {
        told.push(value!)
        shown.push(streams.store(counts).get(key) ?? 0)
      })
      for (let count = 1; count <= 30; count += 1) {
        await produce(broker, 'in', 2, [['a', `${count}`]])
        await eventually(() => told.at(-1) === count)
      }
      expect(told).toHaveLength(30)
      expect(shown).toEqual(told)
    },
  )

  it('of a global table are loaded when start() resolves, then follow; tombstones delete', async () => {
    const broker = await memoryBroker()
    await produce(broker, 'names', 2, [
      ['1', 'one'],
      ['2', 'two'],
      ['3', 'three'],
    ])
    const stateDir = await temporaryDirectory()
    const streams = await started(broker, stateDir)
    expect(['1', '2', '3'].map(key => names(streams).get(key))).toEqual(['one', 'two', 'three'])
    const seen: (readonly [string, string | null])[] = []
    streams.changes<string, string>('all-names').subscribe(({ key, value }) => seen.push([key, value]))
    await produce(broker, 'names', 2, [
      ['1', 'eins'],
      ['2', null],
    ])
    await eventually(() => expect(names(streams).get('2')).toBeUndefined())
    await eventually(() => expect(names(streams).get('1')).toBe('eins'))
    await eventually(() => expect(Object.fromEntries(seen)).toEqual({ 1: 'eins', 2: null }))
    await streams.close()
    const again = await started(broker, stateDir)
    expect(names(again).get('3')).toBe('three')
    expect(names(again).get('2')).toBeUndefined()
  })
})
