import { describe, expect, it } from 'vitest'
import { kafkaForTests } from '../support/kafka.ts'
import { eventually } from '../support/eventually.ts'
import { createTopics, int64Of, readAll, textOf } from '../support/topics.ts'
import type { AppProcess } from './support/app-process.ts'
import { InputFeed } from './support/input-feed.ts'
import { KafkaStage } from './support/kafka-stage.ts'

const kafka = await kafkaForTests()
const brokers = 'brokers' in kafka ? kafka.brokers : ''

const PARTITIONS = 4
/** The tracer has two sub-topologies. */
const TASKS = 2 * PARTITIONS
const GROUPS = 7
const config = {
  sessionTimeoutMs: 2000,
  transactionTimeoutMs: 3000,
  commitIntervalMs: 50,
  positionIntervalMs: 200,
}

/** Changes of ownership: three joins or ends, each of which may move a partition more than once while shares are evened out. */
const MOVES_MAX = 8

async function prepare(): Promise<{ stage: KafkaStage; feed: InputFeed }> {
  const stage = await KafkaStage.open(brokers, 'scale')
  const { prefix, broker } = stage
  await createTopics(broker, {
    [`${prefix}in`]: PARTITIONS,
    [`${prefix}seen`]: PARTITIONS,
    [`${prefix}groups`]: 1,
  })
  const feed = await InputFeed.start(broker, {
    topic: `${prefix}in`,
    partitionCount: PARTITIONS,
    recordsPerSecond: 300,
    record: at => [`key-${at % 97}`, `${at}`, 1_000 + at],
  })
  return { stage, feed }
}

/** 1 → 2 → 3 processes, one killed, one that leaves; what remains finishes the input. */
async function growAndShrink(stage: KafkaStage): Promise<AppProcess> {
  const start = (name: string) => stage.start('tracer', name, config)
  const one = await start('one')
  await stage.balanced([one], TASKS)
  const two = await start('two')
  await stage.balanced([one, two], TASKS)
  const three = await start('three')
  await stage.balanced([one, two, three], TASKS)
  await one.kill()
  await stage.balanced([two, three], TASKS)
  await two.close()
  await stage.balanced([three], TASKS)
  return three
}

function expectedGroups(records: number): { [group: string]: number } {
  const counts: { [group: string]: number } = {}
  for (let at = 0; at < records; at += 1)
    counts[`group-${at % GROUPS}`] = (counts[`group-${at % GROUPS}`] ?? 0) + 1
  return counts
}

async function seenGroups({ broker, prefix }: KafkaStage): Promise<{ [group: string]: number }> {
  const counts: { [group: string]: number } = {}
  for (const { key, value } of await readAll(broker, `${prefix}groups`))
    counts[textOf(key)!] = int64Of(value)!
  return counts
}

/** Every record of the input once, in order; and each partition one process after another, never two by turns. */
async function expectEachOnce({ broker, prefix }: KafkaStage, records: number): Promise<void> {
  const seen = await readAll(broker, `${prefix}seen`)
  expect(seen.length).toBe(records)
  for (let partition = 0; partition < PARTITIONS; partition += 1) {
    const traces = seen
      .filter(record => record.partition === partition)
      .map(({ value }) => textOf(value)!.split(':').map(Number) as [number, number, number])
    expect(traces.map(([from, offset]) => [from, offset])).toEqual(traces.map((_, at) => [partition, at]))
    const moves = traces.filter(([, , pid], at) => at > 0 && pid !== traces[at - 1]![2])
    expect(moves.length).toBeLessThanOrEqual(MOVES_MAX)
  }
}

describe.skipIf('skipped' in kafka)('members that come, go and die while input flows', () => {
  it(
    'count every record once; tasks are balanced; no partition has two owners',
    { timeout: 120_000 },
    async () => {
      const { stage, feed } = await prepare()
      const last = await growAndShrink(stage)
      const records = await feed.stop()
      await eventually(async () => (await stage.committed(`${stage.prefix}in`, PARTITIONS)) === records, {
        pauseMs: 50,
      })
      await eventually(async () => expect(await seenGroups(stage)).toEqual(expectedGroups(records)), {
        pauseMs: 50,
      })
      await last.close()
      await expectEachOnce(stage, records)
    },
  )
})
