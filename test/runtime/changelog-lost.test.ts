import { cp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { BrokerError } from '../../lib/broker/broker-error.ts'
import { openEmbeddedBroker } from '../../lib/broker/embedded/embedded-broker.ts'
import type { Interception } from '../../lib/broker/embedded/state/interceptions.ts'
import type { StreamsConfig } from '../../lib/index.ts'
import { isMarked, withMark } from '../../lib/runtime/state/changelog-marks.ts'
import { KafkaStreams } from '../../lib/streams/kafka-streams.ts'
import {
  commitSubject,
  createSubjectTopics,
  expectedOutcome,
  expectSame,
  seenOutcome,
  subjectInput,
} from '../support/commit-subject.ts'
import { eventually } from '../support/eventually.ts'
import { listening } from '../support/listening.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { createTopics, produce, readAll } from '../support/topics.ts'

const STEP = 60
const CHANGELOGS = ['subject-seen-changelog', 'subject-counts-changelog']
const TASK = join('subject', '0_0')

async function application(config: Partial<StreamsConfig> = {}) {
  let hook: ((operation: Interception) => Promise<void> | void) | undefined
  const broker = await openEmbeddedBroker({ interceptor: operation => hook?.(operation) })
  onTestFinished(() => broker.close())
  await createSubjectTopics(broker)
  const admin = await broker.admin()
  const stateDir = await temporaryDirectory()
  const { logger, lines } = listening()
  let records = 0
  const open = (own: Partial<StreamsConfig> = {}) => {
    const settings = { applicationId: 'subject', stateDir, commitIntervalMs: 0, ...config, ...own }
    const streams = new KafkaStreams(commitSubject(), settings, { broker, logger })
    onTestFinished(() => streams.close())
    return streams
  }
  const proceed = async () => {
    records += STEP
    await produce(broker, 'in', 1, subjectInput(records).slice(records - STEP))
    await eventually(async () => expectSame(await seenOutcome(broker), expectedOutcome(records)))
  }
  /** A run over some input; `copyTo`: what a process that was killed in it would have left. */
  const run = async (own: Partial<StreamsConfig> = {}, copyTo?: string) => {
    const streams = open(own)
    await streams.start()
    await proceed()
    if (copyTo !== undefined) await cp(join(stateDir, TASK), copyTo, { recursive: true })
    await streams.close()
  }
  const intercept = (next: typeof hook) => (hook = next)
  return { broker, admin, stateDir, lines, open, proceed, run, intercept }
}

const told = (lines: readonly string[], what: string) => lines.filter(line => line.includes(what))

it.each(['exactly-once', 'at-least-once'] as const)(
  'changelogs that were deleted are filled again from whole state, and restore another disk (%s)',
  async processingGuarantee => {
    const { broker, admin, lines, run } = await application({ processingGuarantee })
    await run()
    const before = await readAll(broker, CHANGELOGS[1]!)
    await admin.deleteTopics(CHANGELOGS)
    await run()
    expect(told(lines, 'it is filled again from')).toHaveLength(2)
    expect(told(lines, 'is removed and rebuilt')).toEqual([])
    expect(before.length).toBeGreaterThan(0)
    // All of it is in the new topics.
    await run({ stateDir: await temporaryDirectory() })
    expect(told(lines, 'it is filled again from')).toHaveLength(2)
  },
)

it.each(['exactly-once', 'at-least-once'] as const)(
  'changelogs that are made anew between two writes of a process are filled again by it (%s)',
  async processingGuarantee => {
    const settings = { processingGuarantee, positionIntervalMs: 20 }
    const { broker, admin, lines, open, proceed, run } = await application(settings)
    const streams = open()
    await streams.start()
    await proceed()
    await admin.deleteTopics(CHANGELOGS)
    await createTopics(broker, Object.fromEntries(CHANGELOGS.map(topic => [topic, 1])))
    await eventually(() => told(lines, 'it is filled again from').length === 2)
    await proceed()
    await streams.close()
    await run({ stateDir: await temporaryDirectory() })
    expect(told(lines, 'it is filled again from')).toHaveLength(2)
  },
)

it('changelogs that were emptied are filled again, too', async () => {
  const { admin, lines, run } = await application()
  await run()
  const partitions = CHANGELOGS.map(topic => ({ topic, partition: 0 }))
  const ends = await admin.endOffsets(partitions, 'read_uncommitted')
  await admin.deleteRecords(partitions.map(each => ({ ...each, offset: ends.get(`${each.topic}-0`)! })))
  await run()
  expect(told(lines, 'it is filled again from')).toHaveLength(2)
  await run({ stateDir: await temporaryDirectory() })
})

it('a process that ends while it fills a changelog begins anew', async () => {
  const { admin, lines, open, run, intercept } = await application()
  await run()
  await admin.deleteTopics(CHANGELOGS)
  // The first store is through; the second one's records are there, but not committed.
  let ends = 0
  intercept(({ operation, transactionalId, outcome }) => {
    if (operation !== 'end-transaction' || !transactionalId?.endsWith('-refill') || outcome === 'abort')
      return
    ends += 1
    if (ends === 2) throw new BrokerError('CLUSTER_AUTHORIZATION_FAILED', 'authorization', 'sabotage')
  })
  const first = open()
  await expect(first.start()).rejects.toMatchObject({ code: 'CLUSTER_AUTHORIZATION_FAILED' })
  await first.close()
  expect(told(lines, 'it is filled again from')).toHaveLength(2)
  await run()
  expect(told(lines, 'it is filled again from')).toHaveLength(3)
  expect(told(lines, 'is removed and rebuilt')).toEqual([])
  await run({ stateDir: await temporaryDirectory() })
})

it.each([
  ['it is behind the committed offsets', 'killed'],
  ['nobody knows its offsets', 'stranger'],
])('state that is not whole (%s) ends with CHANGELOG_LOST, and stays', async (_, kind) => {
  const { admin, stateDir, lines, open, run } = await application()
  const older = join(stateDir, 'older')
  await run({}, older)
  await run()
  if (kind === 'killed') {
    await rm(join(stateDir, TASK), { recursive: true })
    await cp(older, join(stateDir, TASK), { recursive: true })
  } else {
    // Another member has gone on without this disk.
    await run({ stateDir: await temporaryDirectory() })
  }
  await admin.deleteTopics(CHANGELOGS)
  for (const _round of [1, 2]) {
    const streams = open()
    await expect(streams.start()).rejects.toMatchObject({ code: 'CHANGELOG_LOST' })
    expect(streams.error?.message).toMatch(/subject-(seen|counts)-changelog-0/)
    expect(streams.error?.message).toMatch(/reset.*changelogLost: 'accept'/s)
    await streams.close()
  }
  expect(told(lines, 'is removed and rebuilt')).toEqual([])
})

it.each(['fail', 'accept'] as const)(
  'a changelog made anew with other records, changelogLost: %s',
  async changelogLost => {
    const { broker, admin, lines, open, run } = await application({ changelogLost })
    await run()
    const topic = 'subject-counts-changelog'
    await admin.deleteTopics([topic])
    await createTopics(broker, { [topic]: 1 })
    const value = Buffer.alloc(8)
    value.writeBigInt64BE(77n)
    const producer = await broker.producer({ clientId: 'test' })
    // Longer than the old one.
    for (let at = 0; at < 500; at += 1)
      producer.send({ topic, partition: 0, key: Buffer.from('other'), value, timestamp: 1, headers: [] })
    await producer.flush()
    await producer.close()
    const streams = open()
    await streams.start()
    if (changelogLost === 'fail') {
      // They are not what the offsets count up to; the state is.
      expect(streams.store('counts').get('k17')).toBeGreaterThan(0)
      expect(streams.store('counts').get('other')).toBeUndefined()
      return
    }
    expect(streams.store('counts').get('other')).toBe(77)
    expect(streams.store('counts').get('k17')).toBeUndefined()
    const why = told(lines, 'is removed and rebuilt')
    expect(why).toHaveLength(1)
    expect(why[0]).toContain('made anew')
    expect(why[0]).toContain(topic)
  },
)

it('a changelog whose beginning has passed the position: what was deleted meanwhile does not come back', async () => {
  const { admin, stateDir, lines, run } = await application()
  const older = join(stateDir, 'older')
  await run({}, older)
  await run()
  await run()
  await rm(join(stateDir, TASK), { recursive: true })
  await cp(older, join(stateDir, TASK), { recursive: true })
  const topic = 'subject-counts-changelog'
  const end = (await admin.endOffsets([{ topic, partition: 0 }], 'read_uncommitted')).get(`${topic}-0`)!
  // Every key has come again behind it.
  await admin.deleteRecords([{ topic, partition: 0, offset: end - 60 }])
  await run()
  expect(told(lines, 'is removed and rebuilt')[0]).toMatch(/begins at offset \d+, and the state is at/)
})

it('what is stale is rebuilt: the topic is asked how long it keeps deletions', async () => {
  const { admin, broker, stateDir, lines, run } = await application()
  await createTopics(broker, {})
  // By far longer than half of the first, and than nothing of the second.
  for (const [topic, retention] of [
    [CHANGELOGS[0]!, '1'],
    [CHANGELOGS[1]!, '86400000'],
  ] as const) {
    const config = { 'cleanup.policy': 'compact', 'delete.retention.ms': retention }
    await admin.createTopics([{ topic, partitionCount: 1, config }])
  }
  const older = join(stateDir, 'older')
  await run({}, older)
  await run()
  await rm(join(stateDir, TASK), { recursive: true })
  await cp(older, join(stateDir, TASK), { recursive: true })
  await run()
  expect(told(lines, 'keeps deletions')).toHaveLength(1)
  expect(told(lines, 'keeps deletions')[0]).toContain(CHANGELOGS[0])
})

describe('a changelog made anew, and a process that has nothing of the task on its disk', () => {
  it('is not taken for a store without rows: CHANGELOG_LOST, until one that has the state has filled it', async () => {
    const { admin, open, run } = await application()
    await run()
    await admin.deleteTopics(CHANGELOGS)
    const stranger = open({ stateDir: await temporaryDirectory() })
    await expect(stranger.start()).rejects.toMatchObject({ code: 'CHANGELOG_LOST' })
    await stranger.close()
    await run()
    await run({ stateDir: await temporaryDirectory() })
  })

  it('is taken as it is where changelogLost is accept', async () => {
    const { broker, admin, open, run } = await application({ changelogLost: 'accept' })
    await run()
    await admin.deleteTopics(CHANGELOGS)
    const stranger = open({ stateDir: await temporaryDirectory() })
    await stranger.start()
    await produce(broker, 'in', 1, subjectInput(1))
    const [[key]] = subjectInput(1) as [readonly [string, string, number]]
    await eventually(() => stranger.store('counts').get(key) === 1)
  })

  it('stays known through commits of both, and through Kafka Streams, which passes marks on', async () => {
    const { admin, run } = await application()
    await run()
    await run({ stateDir: await temporaryDirectory() })
    const place = { topic: 'in', partition: 0 }
    const offset = (await admin.groupOffsets('subject', [place])).get('in-0')!
    const { topicId } = (await admin.describeTopics([CHANGELOGS[1]!])).get(CHANGELOGS[1]!)!
    const ours = { storeName: 'counts', topicId }
    expect(isMarked([offset], ours)).toBe(true)
    expect(isMarked([offset], { ...ours, topicId: 'another' })).toBe(false)
    expect(isMarked([offset], { ...ours, storeName: 'another' })).toBeUndefined()
    // Of two partitions, one may not have moved since.
    expect(isMarked([withMark(offset, 'counts', 'before'), offset], ours)).toBe(true)
  })
})
