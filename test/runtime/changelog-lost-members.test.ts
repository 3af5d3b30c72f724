import { expect, it, onTestFinished } from 'vitest'
import { openEmbeddedBroker } from '../../lib/broker/embedded/embedded-broker.ts'
import { StreamsBuilder } from '../../lib/dsl/methods/streams-builder.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import { KafkaStreams } from '../../lib/streams/kafka-streams.ts'
import { eventually } from '../support/eventually.ts'
import { listening } from '../support/listening.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { createTopics, int64Of, produce, readAll, textOf } from '../support/topics.ts'

const PARTITIONS = 4
const KEYS = Array.from({ length: 40 }, (_, at) => `k${at}`)
const CHANGELOG = 'members-counts-changelog'

function counting() {
  const builder = new StreamsBuilder()
  builder
    .stream('in', { keySerde: serdes.string(), valueSerde: serdes.string() })
    .groupByKey()
    .count({ storeName: 'counts' })
    .toStream()
    .to('out', { keySerde: serdes.string(), valueSerde: serdes.int64() })
  return builder.build()
}

/** Two processes, as far as their disks say; every key is fed once a round. */
async function members(processingGuarantee: 'exactly-once' | 'at-least-once') {
  const broker = await openEmbeddedBroker({})
  onTestFinished(() => broker.close())
  await createTopics(broker, { in: PARTITIONS, out: 1 })
  const { logger, lines } = listening()
  let rounds = 0
  const start = async () => {
    const settings = { applicationId: 'members', processingGuarantee, commitIntervalMs: 50 }
    const stateDir = await temporaryDirectory()
    const streams = new KafkaStreams(counting(), { ...settings, stateDir }, { broker, logger })
    onTestFinished(() => streams.close())
    await streams.start()
    return streams
  }
  const proceed = async () => {
    rounds += 1
    await produce(
      broker,
      'in',
      PARTITIONS,
      KEYS.map(key => [key, 'x', rounds] as const),
    )
    await eventually(async () => {
      const last = new Map<string, number>()
      for (const { key, value } of await readAll(broker, 'out')) last.set(textOf(key)!, int64Of(value)!)
      return expect(last).toEqual(new Map(KEYS.map(key => [key, rounds])))
    })
  }
  return { broker, lines, start, proceed }
}

it.each(['exactly-once', 'at-least-once'] as const)(
  'members give up the tasks whose changelog is lost and whose state another has, who fills it (%s)',
  async processingGuarantee => {
    const { broker, lines, start, proceed } = await members(processingGuarantee)
    const both = [await start(), await start()]
    await proceed()
    // Each has tasks of its own.
    for (const each of both) {
      const own = KEYS.filter(key => each.keyOwner('counts', key).isLocal)
      expect(own.length).toBeGreaterThan(0)
      expect(own.length).toBeLessThan(KEYS.length)
      // What is committed shows when it is in the engine, a moment after it is in the output.
      for (const key of own) await eventually(() => expect(each.store('counts').get(key)).toBe(1))
    }
    const admin = await broker.admin()
    await admin.deleteTopics([CHANGELOG])
    await proceed()
    await eventually(() => lines.filter(line => line.includes('is filled again:')).length >= PARTITIONS)
    // All of it is in the new topic.
    await Promise.all(both.map(each => each.close()))
    await start()
    await proceed()
  },
)
