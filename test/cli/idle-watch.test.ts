import { expect, it, onTestFinished } from 'vitest'
import { openEmbeddedBroker } from '../../lib/broker/embedded/embedded-broker.ts'
import { untilIdle } from '../../lib/cli/run/idle-watch.ts'
import { PendingInputs } from '../../lib/cli/run/pending-inputs.ts'
import { systemClock, type Clock } from '../../lib/common/clock.ts'
import { silentLogger } from '../../lib/common/logger.ts'
import { StreamsBuilder } from '../../lib/dsl/methods/streams-builder.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import { KafkaStreams } from '../../lib/streams/kafka-streams.ts'
import { HeldCalls } from '../support/calls.ts'
import { eventually } from '../support/eventually.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { createTopics, produce, readAll } from '../support/topics.ts'

const TEXT = { keySerde: serdes.string(), valueSerde: serdes.string() }

it('idle watch: an application whose asynchronous calls are under way is not idle, though its offsets are committed', async () => {
  const calls = new HeldCalls<string, string>()
  const builder = new StreamsBuilder()
  builder
    .stream('in', TEXT)
    .mapValuesAsync((value, _key, { signal }) => calls.make(value, signal))
    .to('out', TEXT)
  const topology = builder.build()
  const broker = await openEmbeddedBroker()
  onTestFinished(() => broker.close())
  const admin = await broker.admin()
  await createTopics(broker, { in: 1, out: 1 })
  await produce(broker, 'in', 1, [
    ['a', '1'],
    ['b', '2'],
  ])
  const config = { applicationId: 'slow', stateDir: await temporaryDirectory(), commitIntervalMs: 1 }
  const streams = new KafkaStreams(topology, config, { broker, logger: silentLogger })
  onTestFinished(() => streams.close())
  await streams.start()
  const partition = { topic: 'in', partition: 0 }
  await eventually(async () => (await admin.groupOffsets('slow', [partition])).get('in-0')?.offset === 2)

  const plan = topology.plan('slow')
  const pending = new PendingInputs(plan, { broker, admin })
  onTestFinished(() => pending.close())
  let rounds = 0
  let isIdle = false
  const clock: Clock = {
    ...systemClock,
    monotonicMs: () => rounds * 1_000,
    // A round takes no longer than its questions.
    sleep: async () => {
      rounds += 1
      await systemClock.nextTurn()
    },
  }
  const told: string[] = []
  const logger = { log: (_level: string, message: string) => void told.push(message) }
  const { signal } = new AbortController()
  const watching = untilIdle(plan, admin, { clock, signal, pending, logger }).then(() => (isIdle = true))
  await eventually(() => rounds > 20)
  expect(isIdle).toBe(false)
  expect(told[0]).toBe('--exit-when-idle waits: 2 inputs are being called, parked or paused')
  calls.at(0).resolve('1!')
  const before = rounds
  await eventually(() => rounds > before + 10)
  expect(isIdle).toBe(false)
  calls.at(1).resolve('2!')
  await watching
  expect(await readAll(broker, 'out')).toHaveLength(2)
})
