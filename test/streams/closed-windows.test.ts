import { describe, expect, it, onTestFinished } from 'vitest'
import type { Broker, RawRecord } from '../../lib/broker/broker.ts'
import { openEmbeddedBroker } from '../../lib/broker/embedded/embedded-broker.ts'
import { silentLogger } from '../../lib/common/logger.ts'
import type { Windowed } from '../../lib/common/windowed.ts'
import { StreamsBuilder } from '../../lib/dsl/methods/streams-builder.ts'
import { untilWindowCloses } from '../../lib/dsl/options/suppressed.ts'
import { sessionWindows } from '../../lib/dsl/windows/session-windows.ts'
import { slidingWindows } from '../../lib/dsl/windows/sliding-windows.ts'
import { timeWindows } from '../../lib/dsl/windows/time-windows.ts'
import type { Serde } from '../../lib/serde/serde.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import { KafkaStreams } from '../../lib/streams/kafka-streams.ts'
import type { StreamsConfig } from '../../lib/streams/config.ts'
import { TopologyTestDriver } from '../../lib/testing/topology-test-driver.ts'
import type { Topology } from '../../lib/topology/topology.ts'
import { closedSessions, closedTimeWindows } from '../dsl/models/closing-model.ts'
import { eventually } from '../support/eventually.ts'
import { SeededRandom } from '../support/seeded-random.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { createTopics, produce, readAll } from '../support/topics.ts'
import type { TimedRecord } from '../support/windowed-run.ts'
import { windowedName } from '../support/windowed-run.ts'

// Backlogs of windows that close faster than the operators look, with the least retention, and a restart
// between two records: every window that closes is sent once. The chance of a seed decides the input and the
// settings.

const string = serdes.string()
const strings = { keySerde: string, valueSerde: string }
const append = (aggregate: string, value: string) => aggregate + value
const hopping = timeWindows({ sizeMs: 20, advanceMs: 7, graceMs: 5 })
const tumbling = timeWindows({ sizeMs: 10, graceMs: 0 })
const sessions = sessionWindows({ inactivityGapMs: 12, graceMs: 3 })
const sliding = slidingWindows({ timeDifferenceMs: 9, graceMs: 4 })

const KEY_SERDES: { readonly [topic: string]: Serde<Windowed<string>> } = {
  hopping: serdes.windowed(string, 20),
  tumbling: serdes.windowed(string, 10),
  suppressed: serdes.windowed(string, 10),
  sessions: serdes.sessionWindowed(string),
  sliding: serdes.windowed(string, 9),
}

interface Options {
  readonly storeType: 'persistent' | 'in-memory'
  readonly caching: boolean
  readonly retentionMs?: number
}

function topologyOf(options: Options): Topology {
  const builder = new StreamsBuilder()
  const stream = builder.stream('in', strings)
  const group = stream.groupByKey()
  const materialized = { valueSerde: string, ...options }
  const closing = (windows: typeof hopping) =>
    group
      .windowedBy(windows)
      .emitStrategy('on-window-close')
      .aggregate(() => '', append, materialized)
  const out = (topic: string) => ({ keySerde: KEY_SERDES[topic]!, valueSerde: string })
  closing(hopping).toStream().to('hopping', out('hopping'))
  closing(tumbling).toStream().to('tumbling', out('tumbling'))
  const slid = group.windowedBy(sliding).emitStrategy('on-window-close')
  slid
    .aggregate(() => '', append, materialized)
    .toStream()
    .to('sliding', out('sliding'))
  const sessionStream = group.windowedBy(sessions).emitStrategy('on-window-close')
  const joined = sessionStream.aggregate(() => '', append, append, materialized)
  joined.toStream().to('sessions', { ...out('sessions'), valueSerde: string as never })
  const updated = group.windowedBy(tumbling).aggregate(() => '', append, materialized)
  const suppressed = updated.suppress(untilWindowCloses({ buffer: 'unbounded' }))
  suppressed.toStream().to('suppressed', out('suppressed'))
  stream.to('seen', strings)
  return builder.build()
}

function randomRecords(random: SeededRandom): TimedRecord[] {
  let timeMs = 1_000
  const records = Array.from({ length: 300 }, (_, i): TimedRecord => {
    timeMs += random.chance(0.1) ? random.below(500) : random.below(12)
    const lateMs = random.chance(0.2) ? random.below(30) : 0
    return { key: random.pick(['a', 'b', 'c']), value: `${i}.`, timestamp: timeMs - lateMs }
  })
  return [...records, { key: 'z', value: 'last', timestamp: timeMs + 86_400_000 }]
}

type Results = { readonly [topic: string]: readonly string[] }

function resultsOf(topic: string, records: readonly Pick<RawRecord, 'key' | 'value'>[]): string[] {
  const named = records.map(({ key, value }) => {
    const name = windowedName(KEY_SERDES[topic]!.deserialize(key!, { topic }))
    return `${name}=${Buffer.from(value!).toString()}`
  })
  return named.sort()
}

/** Sliding windows: as an operator says that forgets nothing, and looks after every record. */
function expectedResults(records: readonly TimedRecord[]): Results {
  const topology = topologyOf({ storeType: 'in-memory', caching: false, retentionMs: 100_000_000_000 })
  using driver = new TopologyTestDriver(topology)
  const input = driver.createInputTopic('in', strings)
  for (const { key, value, timestamp } of records) input.pipeInput(key, value, { timestamp })
  const tumblingResults = closedTimeWindows(tumbling, records)
  return {
    hopping: closedTimeWindows(hopping, records),
    tumbling: tumblingResults,
    suppressed: tumblingResults,
    sessions: closedSessions(sessions, records),
    sliding: resultsOf('sliding', driver.producedRecords('sliding')),
  }
}

async function foundResults(broker: Broker): Promise<Results> {
  const results: { [topic: string]: string[] } = {}
  for (const topic of Object.keys(KEY_SERDES)) results[topic] = resultsOf(topic, await readAll(broker, topic))
  return results
}

/** Runs until all of the input so far has been committed. */
async function runOver(
  broker: Broker,
  options: Options,
  config: Partial<StreamsConfig>,
  count: number,
): Promise<void> {
  const streams = new KafkaStreams(
    topologyOf(options),
    { applicationId: 'closing', ...config },
    { broker, logger: silentLogger },
  )
  onTestFinished(() => streams.close())
  await streams.start()
  await eventually(async () => expect((await readAll(broker, 'seen')).length).toBe(count))
  await streams.close()
}

function produceAll(broker: Broker, records: readonly TimedRecord[]): Promise<void> {
  return produce(
    broker,
    'in',
    1,
    records.map(({ key, value, timestamp }) => [key, value, timestamp] as const),
  )
}

describe('windows that close in an application', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])('are sent once each, a restart in between (seed %i)', async seed => {
    const random = new SeededRandom(seed)
    const records = randomRecords(random)
    const options: Options = {
      storeType: random.pick(['persistent', 'in-memory']),
      caching: random.chance(0.5),
    }
    const broker = await openEmbeddedBroker()
    onTestFinished(() => broker.close())
    await createTopics(broker, { in: 1, seen: 1 })
    await createTopics(broker, Object.fromEntries(Object.keys(KEY_SERDES).map(topic => [topic, 1])))
    const config = {
      processingGuarantee: random.pick(['exactly-once', 'at-least-once'] as const),
      emitIntervalMs: random.pick([0, 1000]),
      commitIntervalMs: random.pick([0, 5]),
      maxPollRecords: 20,
      bufferedRecordsPerPartition: 20,
      cacheBytesMax: random.pick([0, 2_000, 1_000_000]),
    }
    const half = 1 + random.below(records.length - 1)
    const stateDir = await temporaryDirectory()
    await produceAll(broker, records.slice(0, half))
    await runOver(broker, options, { ...config, stateDir }, half)
    await produceAll(broker, records.slice(half))
    // From the same disk, or from the changelogs.
    const next = random.chance(0.5) ? stateDir : await temporaryDirectory()
    await runOver(broker, options, { ...config, stateDir: next }, records.length)
    expect(await foundResults(broker)).toEqual(expectedResults(records))
  })
})
