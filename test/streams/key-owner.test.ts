import { describe, expect, it, onTestFinished } from 'vitest'
import type { Broker } from '../../lib/broker/broker.ts'
import { openBroker } from '../../lib/broker/open/open-broker.ts'
import { silentLogger } from '../../lib/common/logger.ts'
import { partitionForKey } from '../../lib/common/hash/murmur2.ts'
import { StreamsBuilder } from '../../lib/dsl/methods/streams-builder.ts'
import { sessionWindows } from '../../lib/dsl/windows/session-windows.ts'
import { timeWindows } from '../../lib/dsl/windows/time-windows.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import { stores } from '../../lib/store/builders/stores.ts'
import { KafkaStreams } from '../../lib/streams/kafka-streams.ts'
import { eventually } from '../support/eventually.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { createTopics, produce } from '../support/topics.ts'

const text = { keySerde: serdes.string(), valueSerde: serdes.string() }
const PARTITIONS = 4
const KEYS = Array.from({ length: 40 }, (_, at) => `k${at}`)

const partitionOf = (key: string) =>
  partitionForKey(serdes.string().serialize(key, { topic: 'in' }), PARTITIONS)

/** One store of each way in which a key does, or does not, tell its partition. */
function topology() {
  const builder = new StreamsBuilder()
  builder.globalTable('names', { ...text, storeName: 'global' })
  const left = builder.table('in', { ...text, storeName: 'table' })
  builder.table('versions', { ...text, storeName: 'versioned', historyRetentionMs: 60_000 })
  const stream = left.toStream()
  const group = stream.groupByKey(text)
  group.count({ storeName: 'counts' })
  const windowed = group.windowedBy(timeWindows({ sizeMs: 10, graceMs: 0 })).count({ storeName: 'windows' })
  windowed.filter(() => true, { storeName: 'keys-in-windows' })
  group.windowedBy(sessionWindows({ inactivityGapMs: 10, graceMs: 0 })).count({ storeName: 'sessions' })
  const partitioned = stream.repartition({ name: 'apart', ...text, partitioner: () => 0 })
  partitioned.groupByKey(text).count({ storeName: 'apart' })
  builder.addStateStore(stores.keyValueStore({ name: 'own', ...text }))
  stream.process(() => ({ process: () => undefined }), { stores: ['own'] })
  const right = builder.table('right', { ...text, storeName: 'right' })
  left.join(
    right,
    value => value,
    (one, other) => one + other,
    { storeName: 'by-foreign-key', ...text },
  )
  return builder.build()
}

async function opened(): Promise<Broker> {
  const broker = await openBroker('memory')
  onTestFinished(() => broker.close())
  await createTopics(broker, { in: PARTITIONS, versions: PARTITIONS, right: PARTITIONS, names: 2 }, ['names'])
  const pairs = KEYS.map(key => [key, 'r'] as const)
  for (const topic of ['in', 'versions']) await produce(broker, topic, PARTITIONS, pairs)
  await produce(broker, 'right', PARTITIONS, [['r', '!']])
  return broker
}

async function start(broker: Broker): Promise<KafkaStreams> {
  const config = { applicationId: 'app', commitIntervalMs: 10, stateDir: await temporaryDirectory() }
  const streams = new KafkaStreams(topology(), config, { broker, logger: silentLogger })
  onTestFinished(() => streams.close())
  await streams.start()
  return streams
}

/** Two processes that share the partitions of a store. */
async function two(broker: Broker, name: string): Promise<readonly [KafkaStreams, KafkaStreams]> {
  const both = [await start(broker), await start(broker)] as const
  await eventually(
    () => {
      const [one, other] = both.map(streams => streams.describeStore(name))
      return one!.partitions.length + other!.partitions.length === PARTITIONS && other!.partitions.length > 0
    },
    { what: 'two processes with partitions each' },
  )
  return both
}

async function rowsOf<R>(rows: AsyncIterable<R>): Promise<R[]> {
  const all: R[] = []
  for await (const row of rows) all.push(row)
  return all
}

const codeOf = (read: () => unknown): unknown => {
  try {
    return read()
  } catch (error) {
    return (error as { code: string }).code
  }
}

describe('a key of another process', () => {
  it.each(['table', 'counts', 'right', 'by-foreign-key'])(
    'is not taken for missing: %s, where one that is in neither stays undefined in its own',
    async name => {
      const both = await two(await opened(), name)
      for (const key of ['r', 'nobody', ...KEYS]) {
        const owners = both.map(streams => streams.keyOwner(name, key))
        expect(owners.map(({ partition }) => partition)).toEqual([partitionOf(key), partitionOf(key)])
        expect(owners.map(({ isLocal }) => isLocal).sort()).toEqual([false, true])
        for (const [at, streams] of both.entries()) {
          const { partitions } = streams.describeStore(name)
          const isHere = owners[at]!.isLocal
          expect(partitions.includes(partitionOf(key))).toBe(isHere)
          const read = codeOf(() => streams.store(name).get(key))
          expect(read === 'KEY_NOT_HERE').toBe(!isHere)
        }
      }
      const [first] = both
      const away = KEYS.find(key => !first.keyOwner(name, key).isLocal)!
      const { partitions } = first.describeStore(name)
      expect(() => first.store(name).get(away)).toThrow(
        `the key belongs to partition ${partitionOf(away)} of store "${name}", and this process has partition`,
      )
      expect(() => first.store(name).get(away)).toThrow(partitions.join(', '))
    },
  )

  it('is not taken for missing in stores of versions, windows and sessions, asked for one row or for several', async () => {
    const both = await two(await opened(), 'windows')
    await eventually(
      async () => (await rowsOf(both[1].sessionStore('sessions').fetch(localTo(both[1])))).length,
    )
    const away = KEYS.find(key => !both[0].keyOwner('windows', key).isLocal)!
    const here = localTo(both[0])
    const [first] = both
    expect(codeOf(() => first.versionedStore('versioned').get(away))).toBe('KEY_NOT_HERE')
    expect(codeOf(() => first.versionedStore('versioned').getAsOf(away, 1_000))).toBe('KEY_NOT_HERE')
    expect(codeOf(() => first.windowStore('windows').fetch(away, 1_000))).toBe('KEY_NOT_HERE')
    expect(codeOf(() => first.sessionStore('sessions').fetchSession(away, SESSION))).toBe('KEY_NOT_HERE')
    const [windows, sessions] = [first.windowStore('windows'), first.sessionStore('sessions')]
    const span = { earliestEndMs: 0, latestStartMs: 2_000 }
    for (const rows of [
      (key: string) => windows.fetch(key, {}),
      (key: string) => windows.backwardFetch(key, {}),
      (key: string) => sessions.fetch(key),
      (key: string) => sessions.backwardFetch(key),
      (key: string) => sessions.findSessions(key, span),
      (key: string) => sessions.backwardFindSessions(key, span),
    ]) {
      await expect(rowsOf<unknown>(rows(away))).rejects.toMatchObject({ code: 'KEY_NOT_HERE' })
      await eventually(async () => (await rowsOf<unknown>(rows(here))).length === 1)
    }
    expect(await rowsOf(windows.fetch(here, { fromMs: 5_000 }))).toEqual([])
  })

  it('is undefined as ever where the key does not tell its partition', async () => {
    const both = await two(await opened(), 'own')
    for (const name of ['own', 'apart', 'keys-in-windows']) {
      const key = name === 'keys-in-windows' ? { key: 'nobody', window: SESSION } : 'nobody'
      for (const streams of both) {
        expect(streams.keyOwner(name, key)).toEqual({ partition: undefined, isLocal: undefined })
        expect(streams.store(name).get(key)).toBeUndefined()
      }
    }
    expect(both[0].keyOwner('global', 'nobody')).toEqual({ partition: undefined, isLocal: true })
    expect(both[0].store('global').get('nobody')).toBeUndefined()
  })

  it('is here where one process has every part, and nowhere before it has started', async () => {
    const broker = await opened()
    const idle = new KafkaStreams(topology(), { applicationId: 'other' }, { broker, logger: silentLogger })
    expect(codeOf(() => idle.keyOwner('counts', 'k0'))).toBe('STORE_NOT_AVAILABLE')
    expect(codeOf(() => idle.keyOwner('conts', 'k0'))).toBe('UNKNOWN_STORE')
    const only = await start(broker)
    expect(only.keyOwner('own', 'k0')).toEqual({ partition: undefined, isLocal: true })
    expect(only.keyOwner('counts', 'k0')).toEqual({ partition: partitionOf('k0'), isLocal: true })
    expect(only.store('counts').get('nobody')).toBeUndefined()
  })
})

const SESSION = { startMs: 1_000, endMs: 1_000 }
const localTo = (streams: KafkaStreams) => KEYS.find(key => streams.keyOwner('windows', key).isLocal)!

describe('a part of a store', () => {
  it('is read alone by its number', async () => {
    const streams = await start(await opened())
    await eventually(() => expect(streams.store('counts').get('k0')).toBe(1))
    const parts = await Promise.all(
      streams
        .describeStore('counts')
        .partitions.map(partition => rowsOf(streams.store<string, number>('counts', { partition }).all())),
    )
    expect(parts.length).toBe(PARTITIONS)
    for (const [partition, rows] of parts.entries())
      expect(rows.map(([key]) => partitionOf(key))).toEqual(rows.map(() => partition))
    expect(parts.flat().length).toBe(KEYS.length)
    const other = (partitionOf('k0') + 1) % PARTITIONS
    expect(streams.store('counts', { partition: other }).get('k0')).toBeUndefined()
    expect(codeOf(() => streams.store('counts', { partition: 9 }).get('k0'))).toBe('STORE_NOT_AVAILABLE')
  })

  it('tells how far it is behind: 0 when all is processed and committed', async () => {
    const broker = await opened()
    const streams = await start(broker)
    await eventually(() => streams.describeStore('counts').lag === 0, { what: 'a lag of 0' })
    expect(streams.store('counts').get('k0')).toBe(1)
    await eventually(() => streams.describeStore('global').lag === 0)
    await streams.close()
    expect(streams.describeStore('counts')).toMatchObject({
      lag: undefined,
      partitions: [],
      partitionCount: undefined,
    })
  })
})
