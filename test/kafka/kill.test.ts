import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import type { StreamsConfig } from '../../lib/streams/config.ts'
import {
  createSubjectTopics,
  expectedOutcome,
  expectSame,
  seenOutcome,
  subjectInput,
} from '../support/commit-subject.ts'
import { eventually } from '../support/eventually.ts'
import { needs } from '../support/needs.ts'
import type { AppProcess } from './support/app-process.ts'
import { InputFeed } from './support/input-feed.ts'
import { KafkaStage } from './support/kafka-stage.ts'

const { brokers, suite } = await needs('native client', 'broker')

/** At least; the input flows until the last process has been killed. */
const RECORDS = 1200
const KILLS = 3
/** Longer than the commit interval: kills fall before, in and after commits. */
const KILL_DELAY_MS_MAX = 500

/** When exactly a process is killed after the progress that was waited for. */
type Moment = (stage: KafkaStage) => Promise<unknown>

/** Progress is seen at commits: without the delay every kill would come right after one. */
const anywhere: Moment = () => sleep(Math.random() * KILL_DELAY_MS_MAX)

/** Output is on the broker whose input is not committed: it comes again. */
const betweenOutputAndCommit: Moment = async stage => {
  const before = await endOfTimes(stage)
  await eventually(async () => (await endOfTimes(stage)) > before, { pauseMs: 1, what: 'more output' })
}

async function endOfTimes(stage: KafkaStage): Promise<number> {
  const topic = `${stage.prefix}times`
  return (await stage.admin.endOffsets([{ topic, partition: 0 }], 'read_uncommitted')).get(`${topic}-0`)!
}

const settings: Partial<StreamsConfig> = {
  maxPollRecords: 25,
  bufferedRecordsPerPartition: 25,
  sessionTimeoutMs: 2000,
  transactionTimeoutMs: 3000,
  positionIntervalMs: 100,
}

/**
 * Runs the subject in two processes and kills, at random moments of progress, the one that has the task; it
 * is started again at once. Resolves with the number of inputs when all are committed.
 */
async function runWithKills(
  stage: KafkaStage,
  config: Partial<StreamsConfig>,
  moment: Moment,
): Promise<number> {
  const topic = `${stage.prefix}in`
  await createSubjectTopics(stage.broker, stage.prefix)
  const records = subjectInput(20 * RECORDS)
  let kill = 0
  let apps = [
    await stage.start('commit-subject', 'one', config),
    await stage.start('commit-subject', 'two', config),
  ]
  await stage.balanced(apps, 1)
  const feed = await InputFeed.start(stage.broker, {
    topic,
    partitionCount: 1,
    recordsPerSecond: 250,
    record: at => (kill === KILLS && at >= RECORDS ? undefined : records[at]),
  })
  const reached = (offset: number) =>
    eventually(async () => (await stage.committed(topic, 1)) >= offset, {
      pauseMs: 2,
      what: `offset ${offset}`,
    })
  const slice = RECORDS / (KILLS + 1)
  for (; kill < KILLS; kill += 1) {
    await reached(Math.floor((kill + Math.random()) * slice) + 1)
    const victim = await ownerOf(stage, apps)
    await moment(stage)
    await victim.kill()
    const started = await stage.restart(victim)
    apps = apps.map(app => (app === victim ? started : app))
  }
  const sent = await feed.ended()
  await reached(sent)
  await Promise.all(apps.map(app => app.running().then(() => app.close())))
  return sent
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

await suite('kill -9 at random moments, on a real broker', () => {
  it.each(['classic', 'consumer'] as const)(
    'exactly-once: what is seen equals what the test driver says (group protocol %s)',
    async groupProtocol => {
      const stage = await KafkaStage.open(brokers, 'kill')
      const sent = await runWithKills(stage, { ...settings, groupProtocol, commitIntervalMs: 20 }, anywhere)
      expectSame(await seenOutcome(stage.broker, stage.prefix), expectedOutcome(sent))
    },
  )

  it('at-least-once: loses nothing, and shows some records twice: without transactions the test would notice', async () => {
    const stage = await KafkaStage.open(brokers, 'kill')
    const sent = await runWithKills(
      stage,
      { ...settings, processingGuarantee: 'at-least-once', commitIntervalMs: 300 },
      betweenOutputAndCommit,
    )
    const { times } = await seenOutcome(stage.broker, stage.prefix)
    const values = times.filter(line => !line.startsWith('tick=')).map(valueOf)
    expect(new Set(values)).toEqual(new Set(subjectInput(sent).map(([key, value]) => `${key}=${value}`)))
    expect(values.length).toBeGreaterThan(sent)
  })
})

/** Key and input value: what the witness adds depends on how often it has seen the record. */
function valueOf(line: string): string {
  return line.slice(0, line.indexOf('|'))
}
