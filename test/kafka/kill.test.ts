import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import type { StreamsConfig } from '../../lib/streams/config.ts'
import {
  createSubjectTopics,
  expectedOutcome,
  expectSame,
  seenOutcome,
  subjectInput,
} from '../support/commit-subject.ts'
import { eventually } from '../support/eventually.ts'
import { kafkaForTests } from '../support/kafka.ts'
import type { AppProcess } from './support/app-process.ts'
import { InputFeed } from './support/input-feed.ts'
import { KafkaStage } from './support/kafka-stage.ts'

const kafka = await kafkaForTests()
const brokers = 'brokers' in kafka ? kafka.brokers : ''

const RECORDS = 1200
const KILLS = 3
/** Longer than the commit interval: kills fall before, in and after commits. */
const KILL_DELAY_MS_MAX = 500
const settings: Partial<StreamsConfig> = {
  maxPollRecords: 25,
  bufferedRecordsPerPartition: 25,
  sessionTimeoutMs: 2000,
  transactionTimeoutMs: 3000,
  positionIntervalMs: 100,
}

/** Runs the subject in two processes and kills, at random moments of progress, the one that has the task; it is started again at once. */
async function runWithKills(stage: KafkaStage, config: Partial<StreamsConfig>): Promise<void> {
  const topic = `${stage.prefix}in`
  await createSubjectTopics(stage.broker, stage.prefix)
  const records = subjectInput(RECORDS)
  let apps = [
    await stage.start('commit-subject', 'one', config),
    await stage.start('commit-subject', 'two', config),
  ]
  await stage.balanced(apps, 1)
  const feed = await InputFeed.start(stage.broker, {
    topic,
    partitionCount: 1,
    recordsPerSecond: 250,
    record: at => records[at],
  })
  const reached = (offset: number) =>
    eventually(async () => (await stage.committed(topic, 1)) >= offset, {
      limitMs: 60_000,
      pauseMs: 2,
      what: `offset ${offset}`,
    })
  const slice = RECORDS / (KILLS + 1)
  for (let kill = 0; kill < KILLS; kill += 1) {
    await reached(Math.floor((kill + Math.random()) * slice) + 1)
    const victim = await ownerOf(stage, apps)
    // Progress is seen at commits: without this every kill would come right after one.
    await sleep(Math.random() * KILL_DELAY_MS_MAX)
    await victim.kill()
    const started = await stage.restart(victim)
    apps = apps.map(app => (app === victim ? started : app))
  }
  await feed.ended()
  await reached(RECORDS)
  await Promise.all(apps.map(app => app.running().then(() => app.close())))
}

async function ownerOf(stage: KafkaStage, apps: readonly AppProcess[]): Promise<AppProcess> {
  return eventually(
    async () => {
      const shares = await stage.shares()
      return apps.find(({ name }) => shares[name] === 1)
    },
    { what: 'an owner of the task' },
  )
}

describe.skipIf('skipped' in kafka)('kill -9 at random moments, on a real broker', () => {
  const expected = expectedOutcome(RECORDS)

  it.each(['classic', 'consumer'] as const)(
    'exactly-once: what is seen equals what the test driver says (group protocol %s)',
    { timeout: 120_000 },
    async groupProtocol => {
      const stage = await KafkaStage.open(brokers, 'kill')
      await runWithKills(stage, { ...settings, groupProtocol, commitIntervalMs: 20 })
      expectSame(await seenOutcome(stage.broker, stage.prefix), expected)
    },
  )

  it(
    'at-least-once: loses nothing, and shows some records twice: without transactions the test would notice',
    { timeout: 120_000 },
    async () => {
      const stage = await KafkaStage.open(brokers, 'kill')
      await runWithKills(stage, { ...settings, processingGuarantee: 'at-least-once', commitIntervalMs: 300 })
      const { times } = await seenOutcome(stage.broker, stage.prefix)
      const values = times.filter(line => !line.startsWith('tick=')).map(valueOf)
      expect(new Set(values)).toEqual(new Set(subjectInput(RECORDS).map(([key, value]) => `${key}=${value}`)))
      expect(values.length).toBeGreaterThan(RECORDS)
    },
  )
})

/** Key and input value: what the witness adds depends on how often it has seen the record. */
function valueOf(line: string): string {
  return line.slice(0, line.indexOf('|'))
}
