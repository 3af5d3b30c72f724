import { describe, expect, it, onTestFinished, vi } from 'vitest'
import type { Broker, NewTopic } from '../../lib/broker/broker.ts'
import { openBroker } from '../../lib/broker/open/open-broker.ts'
import { silentLogger } from '../../lib/common/logger.ts'
import type { Windowed } from '../../lib/common/windowed.ts'
import { StreamsBuilder } from '../../lib/dsl/methods/streams-builder.ts'
import { sessionWindows } from '../../lib/dsl/windows/session-windows.ts'
import { timeWindows } from '../../lib/dsl/windows/time-windows.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import { KafkaStreams } from '../../lib/streams/kafka-streams.ts'
import { eventually } from '../support/eventually.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { createTopics, produce } from '../support/topics.ts'

const text = { keySerde: serdes.string(), valueSerde: serdes.string() }

async function memoryBroker(): Promise<Broker> {
  const broker = await openBroker('memory')
  onTestFinished(() => broker.close())
  await createTopics(broker, { in: 2 })
  return broker
}

async function started(broker: Broker, stateDir: string): Promise<KafkaStreams> {
  const builder = new StreamsBuilder()
  const group = builder.stream('in', text).groupByKey()
  const windows = timeWindows({ sizeMs: 10, graceMs: 100 })
  group.windowedBy(windows).count({ storeName: 'windows', retentionMs: 1000 })
  group.windowedBy(sessionWindows({ inactivityGapMs: 5, graceMs: 100 })).count({ storeName: 'sessions' })
  group.count({ storeName: 'counts' })
  const config = { applicationId: 'app', commitIntervalMs: 10, stateDir }
  const streams = new KafkaStreams(builder.build(), config, { broker, logger: silentLogger })
  onTestFinished(() => streams.close())
  await streams.start()
  return streams
}

const windowsOf = (streams: KafkaStreams) => streams.windowStore<string, number>('windows')
const sessionsOf = (streams: KafkaStreams) => streams.sessionStore<string, number>('sessions')

async function shown(rows: AsyncIterable<readonly [Windowed<string>, number]>): Promise<string[]> {
  const found: string[] = []
  for await (const [{ key, window }, value] of rows) {
    found.push(`${key}@${window.startMs}/${window.endMs}=${value}`)
  }
  return found.sort()
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const item of items) found.push(item)
  return found
}

/** `a` and `b` are in different partitions, and so in different tasks. */
async function expectContents(streams: KafkaStreams): Promise<void> {
  await eventually(() => expect(windowsOf(streams).fetch('a', 20)).toBe(2))
  expect(await shown(windowsOf(streams).all())).toEqual(['a@20/30=2', 'a@30/40=1', 'b@20/30=1'])
  expect(await collect(windowsOf(streams).fetch('a', { fromMs: 0 }))).toEqual([
    [20, 2],
    [30, 1],
  ])
  expect(await shown(windowsOf(streams).backwardFetchRange({ from: 'b' }, { toMs: 25 }))).toEqual([
    'b@20/30=1',
  ])
  expect(await shown(sessionsOf(streams).fetch('a'))).toEqual(['a@20/24=2', 'a@30/30=1'])
  expect(await shown(sessionsOf(streams).fetchRange({}))).toEqual(['a@20/24=2', 'a@30/30=1', 'b@21/21=1'])
  expect(sessionsOf(streams).fetchSession('a', { startMs: 20, endMs: 24 })).toBe(2)
}

describe('stores of windows and sessions seen from outside', () => {
  it('show what is committed, over all tasks; survive a restart, and are restored after cleanUp()', async () => {
    const broker = await memoryBroker()
    const stateDir = await temporaryDirectory()
    const first = await started(broker, stateDir)
    await produce(broker, 'in', 2, [
      ['a', '', 20],
      ['a', '', 24],
      ['a', '', 30],
      ['b', '', 21],
    ])
    await expectContents(first)
    const stamped = first.timestampedWindowStore<string, number>('windows', { isolation: 'latest' })
    expect(stamped.fetch('a', 20)).toEqual({ value: 2, timestamp: 24 })
    await first.close()
    expect(() => windowsOf(first).fetch('a', 20)).toThrow(/no task of this process holds store "windows"/)
    expect(() => sessionsOf(first).fetchSession('a', { startMs: 20, endMs: 24 })).toThrow(/"sessions"/)
    const second = await started(broker, stateDir)
    await expectContents(second)
    await second.close()
    await second.cleanUp()
    await expectContents(await started(broker, stateDir))
  })

  it('are not read as what they are not', async () => {
    const streams = await started(await memoryBroker(), await temporaryDirectory())
    const code = (expected: string) => expect.objectContaining({ code: expected })
    expect(() => streams.windowStore('nothing')).toThrow(code('UNKNOWN_STORE'))
    expect(() => streams.windowStore('counts').fetch('a', 0)).toThrow(code('STORE_NOT_READABLE'))
    expect(() => streams.sessionStore('windows').fetchSession('a', { startMs: 0, endMs: 0 })).toThrow(
      code('STORE_NOT_READABLE'),
    )
    expect(() => streams.store('windows').get('a')).toThrow(code('STORE_NOT_READABLE'))
    expect(() => streams.timestampedWindowStore('sessions')).toThrow(code('STORE_NOT_TIMESTAMPED'))
  })

  it('have changelogs that are kept a day longer than the stores keep windows', async () => {
    const broker = await memoryBroker()
    const made: NewTopic[] = []
    const openAdmin = broker.admin.bind(broker)
    vi.spyOn(broker, 'admin').mockImplementation(async () => {
      const admin = await openAdmin()
      const createTopicsOf = admin.createTopics.bind(admin)
      return Object.assign(admin, {
        createTopics: (topics: readonly NewTopic[]) => {
          made.push(...topics)
          return createTopicsOf(topics)
        },
      })
    })
    await started(broker, await temporaryDirectory())
    const config = (topic: string) => made.find(each => each.topic === topic)?.config
    expect(config('app-windows-changelog')).toMatchObject({
      'cleanup.policy': 'compact,delete',
      'retention.ms': '86401000',
    })
    expect(config('app-sessions-changelog')).toMatchObject({
      'cleanup.policy': 'compact,delete',
      'retention.ms': '86400105',
    })
    expect(config('app-counts-changelog')).toEqual({
      'cleanup.policy': 'compact',
      'message.timestamp.type': 'CreateTime',
    })
  })
})
