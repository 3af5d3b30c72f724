import { expect, it } from 'vitest'
import { needs } from '../support/needs.ts'
import { eventually } from '../support/eventually.ts'
import { createTopics } from '../support/topics.ts'
import type { AppProcess } from './support/app-process.ts'
import { InputFeed } from './support/input-feed.ts'
import { KafkaStage } from './support/kafka-stage.ts'
import { expectedGroups, seenGroups, tracerInput, tracerOutcome } from './support/tracer-outcome.ts'

const { brokers, suite } = await needs('native client', 'broker')

const PARTITIONS = 4
/** The tracer has two sub-topologies. */
const TASKS = 2 * PARTITIONS
const config = {
  sessionTimeoutMs: 2000,
  transactionTimeoutMs: 3000,
  commitIntervalMs: 50,
  positionIntervalMs: 200,
}

/**
 * Changes of ownership: three joins or ends, each of which may move a partition more than once while shares
 * are evened out.
 */
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
    record: tracerInput,
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

await suite('members that come, go and die while input flows', () => {
  it('count every record once; tasks are balanced; no partition has two owners', async () => {
    const { stage, feed } = await prepare()
    const last = await growAndShrink(stage)
    const records = await feed.stop()
    await eventually(async () => (await stage.committed(`${stage.prefix}in`, PARTITIONS)) === records, {
      pauseMs: 50,
    })
    await eventually(
      async () => expect(await seenGroups(stage.broker, stage.prefix)).toEqual(expectedGroups(records)),
      {
        pauseMs: 50,
      },
    )
    await last.close()
    const outcome = await tracerOutcome(stage.broker, stage.prefix, PARTITIONS)
    expect(outcome.troubles).toEqual([])
    expect(outcome.records).toBe(records)
    // Two owners at a time would take turns all along.
    expect(Math.max(...outcome.moves)).toBeLessThanOrEqual(MOVES_MAX)
  })
})
