import { rm } from 'node:fs/promises'
import { expect, it, onTestFinished } from 'vitest'
import { openEmbeddedBroker } from '../../lib/broker/embedded/embedded-broker.ts'
import type { Interception } from '../../lib/broker/embedded/state/interceptions.ts'
import { serdes, stores, StreamsBuilder } from '../../lib/index.ts'
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
import { createTopics, produce } from '../support/topics.ts'

const RECORDS = 3_000
const TASKS = 4
/** Each task asks for beginnings and ends of its changelogs; once is asked where to begin in the inputs. */
const QUESTIONS = 2 * TASKS + 1

it('a changelog whose beginning moves on under a restore: the task is restored anew, to the exact state', async () => {
  let held: ((operation: Interception) => Promise<void>) | undefined
  const broker = await openEmbeddedBroker({
    interceptor: operation => {
      const hold = held
      if (operation.operation !== 'fetch' || operation.clientId !== 'subject-restore' || !hold) return
      held = undefined
      return hold(operation)
    },
  })
  onTestFinished(() => broker.close())
  await createSubjectTopics(broker)
  const stateDir = await temporaryDirectory()
  const { logger, lines } = listening()
  const open = () => {
    const settings = { commitIntervalMs: 0, maxPollRecords: 20, bufferedRecordsPerPartition: 20 }
    const streams = new KafkaStreams(
      commitSubject(),
      { applicationId: 'subject', stateDir, ...settings },
      { broker, logger },
    )
    onTestFinished(() => streams.close())
    return streams
  }
  const input = subjectInput(RECORDS)
  await produce(broker, 'in', 1, input.slice(0, RECORDS / 2))
  const first = open()
  await first.start()
  await eventually(async () => (await seenOutcome(broker)).times.length >= RECORDS / 2)
  await first.close()

  await rm(stateDir, { recursive: true })
  // Every key comes again behind them: what is deleted is not needed.
  held = async ({ topic, partition }) => {
    const admin = await broker.admin()
    await admin.deleteRecords([{ topic: topic!, partition: partition!, offset: 10 }])
    await admin.close()
  }
  const second = open()
  await second.start()
  expect(lines.filter(line => line.includes('rebuilt'))).toHaveLength(1)
  await produce(broker, 'in', 1, input.slice(RECORDS / 2))
  await eventually(async () => expectSame(await seenOutcome(broker), expectedOutcome(RECORDS)))
})

it('an init that fails leaves no engine of another task open: the next thread can open them all', async () => {
  // The restores of all four tasks end in the same turn: each waits for both of its answers until all have
  // asked.
  const asked: (() => void)[] = []
  const broker = await openEmbeddedBroker({
    interceptor: ({ operation }) => {
      if (operation !== 'list-offsets' || asked.length >= QUESTIONS) return
      return new Promise<void>(resolve => {
        asked.push(resolve)
        if (asked.length === QUESTIONS) for (const answer of asked) answer()
      })
    },
  })
  onTestFinished(() => broker.close())
  await createTopics(broker, { in: TASKS })
  let inits = 0
  const builder = new StreamsBuilder()
  builder.addStateStore(
    stores.keyValueStore({ name: 'kept', keySerde: serdes.string(), valueSerde: serdes.string() }),
  )
  builder.stream('in', { keySerde: serdes.string(), valueSerde: serdes.string() }).process(
    {
      get: () => ({
        init() {
          inits += 1
          if (inits === 1) throw new Error('init failed')
        },
        process() {},
      }),
    },
    { stores: ['kept'] },
  )
  const streams = new KafkaStreams(
    builder.build(),
    { applicationId: 'subject', stateDir: await temporaryDirectory() },
    { broker, logger: listening().logger, onUncaughtError: () => 'replace-thread' },
  )
  onTestFinished(() => streams.close())
  await streams.start()
  expect(inits).toBe(1 + TASKS)
})
