import { expect, it, onTestFinished } from 'vitest'
import { BrokerError } from '../../lib/broker/broker-error.ts'
import type { Broker } from '../../lib/broker/broker.ts'
import { openEmbeddedBroker } from '../../lib/broker/embedded/embedded-broker.ts'
import { consoleLogger, silentLogger } from '../../lib/common/logger.ts'
import { StreamsBuilder } from '../../lib/dsl/methods/streams-builder.ts'
import { untilWindowCloses } from '../../lib/dsl/options/suppressed.ts'
import { joinWindows } from '../../lib/dsl/windows/join-windows.ts'
import { timeWindows } from '../../lib/dsl/windows/time-windows.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import { KafkaStreams } from '../../lib/streams/kafka-streams.ts'
import { TopologyTestDriver } from '../../lib/testing/topology-test-driver.ts'
import type { Topology } from '../../lib/topology/topology.ts'
import { eventually } from '../support/eventually.ts'
import { seeded } from '../support/seeded.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import type { Pair } from '../support/topics.ts'
import { createTopics, produce, readAll, textOf } from '../support/topics.ts'

// Results that wait for time to pass: none may be lost, sent twice or changed by commits, aborts and restarts
// in between.

const text = { keySerde: serdes.string(), valueSerde: serdes.string() }
const SIZE_MS = 100
const FAR_MS = 10_000_000

/** One input, so that the order in which both sides of the join see records is the same in every run. */
function heldBack(): Topology {
  const builder = new StreamsBuilder()
  const input = builder.stream('in', text)
  const windows = joinWindows({ beforeMs: 30, afterMs: 80, graceMs: 40 })
  input
    .filter(value => value.startsWith('l'))
    .outerJoin(
      input.filter(value => value.startsWith('r')),
      (left, right) => `${left}+${right}`,
      { windows, ...text, otherValueSerde: text.valueSerde, storeName: 'join' },
    )
    .to('joined', text)
  input
    .groupByKey()
    .windowedBy(timeWindows({ sizeMs: SIZE_MS, graceMs: 40 }))
    .count({ storeName: 'counts', keySerde: text.keySerde, caching: false })
    .suppress(untilWindowCloses({ buffer: 'unbounded', name: 'final' }))
    .toStream()
    .map((count, { key, window }) => [key, `${window.startMs}:${count}`])
    .to('closed', text)
  return builder.build()
}

/** Records of both sides, up to `lagMs` behind each other; the last one closes everything. */
function records(seed: number, count: number, lagMs: number): Pair[] {
  const random = seeded(seed)
  const some = Array.from({ length: count }, (_, at): Pair => {
    const timestamp = 1_000 + at * 9 - Math.floor(random() * (lagMs + 1))
    return [`k${Math.floor(random() * 6)}`, `${random() < 0.5 ? 'l' : 'r'}${at}`, timestamp]
  })
  return [...some, ['end', 'l-end', FAR_MS]]
}

type Outcome = { readonly [topic: string]: readonly string[] }

function undisturbed(pairs: readonly Pair[]): Outcome {
  using driver = new TopologyTestDriver(heldBack())
  const input = driver.createInputTopic('in', text)
  for (const [key, value, timestamp = 0] of pairs) input.pipeInput(key ?? '', value ?? '', { timestamp })
  const lines = (topic: string) =>
    driver
      .createOutputTopic(topic, text)
      .readRecords()
      .map(({ key, value, timestamp }) => `${key} ${value} ${timestamp}`)
  return { joined: lines('joined'), closed: lines('closed') }
}

async function seen(broker: Broker): Promise<Outcome> {
  const lines = async (topic: string) =>
    (await readAll(broker, topic)).map(
      ({ key, value, timestamp }) => `${textOf(key)} ${textOf(value)} ${timestamp}`,
    )
  return { joined: await lines('joined'), closed: await lines('closed') }
}

async function start(broker: Broker, stateDir: string): Promise<KafkaStreams> {
  const streams = new KafkaStreams(
    heldBack(),
    // Small bites, so that many commits fall into the run.
    {
      applicationId: 'held-back',
      stateDir,
      commitIntervalMs: 0,
      maxPollRecords: 20,
      bufferedRecordsPerPartition: 20,
    },
    { broker, logger: process.env['MILLRACE_TEST_LOG'] ? consoleLogger('debug') : silentLogger },
  )
  onTestFinished(() => streams.close())
  await streams.start()
  return streams
}

it('results that wait are the same, and in the same order, after aborted commits', async () => {
  let commits = 0
  let refused = 0
  const broker = await openEmbeddedBroker({
    interceptor: ({ operation, clientId }) => {
      if (operation !== 'end-transaction' || clientId?.startsWith('test')) return
      commits += 1
      if (![3, 6, 9, 12].includes(commits)) return
      refused += 1
      throw new BrokerError('INVALID_TXN_STATE', 'abortable', 'sabotage')
    },
  })
  onTestFinished(() => broker.close())
  await createTopics(broker, { in: 1, joined: 1, closed: 1 })
  const pairs = records(7, 400, 60)
  await produce(broker, 'in', 1, pairs)
  const expected = undisturbed(pairs)
  const streams = await start(broker, await temporaryDirectory())
  await eventually(async () => expect(await seen(broker)).toEqual(expected))
  await streams.close()
  expect(await seen(broker)).toEqual(expected)
  expect(refused).toBeGreaterThan(1)
})

it.each([
  ['on the same disk', true],
  ['on a new one, from the changelogs', false],
])('results that wait are sent once after restarts %s', async (_where, sameDisk) => {
  const broker = await openEmbeddedBroker({})
  onTestFinished(() => broker.close())
  await createTopics(broker, { in: 1, joined: 1, closed: 1 })
  // In order of time: from a changelog alone it is not known how far the join had looked, which shows in
  // results of late records.
  const pairs = records(11, 300, sameDisk ? 60 : 0)
  const disk = await temporaryDirectory()
  for (const from of [0, 100, 200]) {
    const streams = await start(broker, sameDisk ? disk : await temporaryDirectory())
    const part = pairs.slice(from, from === 200 ? undefined : from + 100)
    await produce(broker, 'in', 1, part)
    const so = undisturbed(pairs.slice(0, from + part.length))
    await eventually(async () => expect(sorted(await seen(broker))).toEqual(sorted(so)))
    await streams.close()
  }
  expect(sorted(await seen(broker))).toEqual(sorted(undisturbed(pairs)))
})

function sorted(outcome: Outcome): Outcome {
  return Object.fromEntries(Object.entries(outcome).map(([topic, lines]) => [topic, lines.toSorted()]))
}
