import { describe, expect, it, onTestFinished } from 'vitest'
import type { Broker, OutgoingRecord } from '../../lib/broker/broker.ts'
import { BrokerError } from '../../lib/broker/broker-error.ts'
import { openEmbeddedBroker } from '../../lib/broker/embedded/embedded-broker.ts'
import type { Interceptor } from '../../lib/broker/embedded/state/interceptions.ts'
import { silentLogger } from '../../lib/common/logger.ts'
import { partitionForKey } from '../../lib/common/hash/murmur2.ts'
import { StreamsBuilder } from '../../lib/dsl/methods/streams-builder.ts'
import { sessionWindows } from '../../lib/dsl/windows/session-windows.ts'
import { slidingWindows } from '../../lib/dsl/windows/sliding-windows.ts'
import { timeWindows } from '../../lib/dsl/windows/time-windows.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import { KafkaStreams } from '../../lib/streams/kafka-streams.ts'
import { TopologyTestDriver } from '../../lib/testing/topology-test-driver.ts'
import type { Topology } from '../../lib/topology/topology.ts'
import { eventually } from '../support/eventually.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { createTopics, produce, readAll } from '../support/topics.ts'

// Windowed tables in a running application: aborts and restarts must not show. Every time of an operator
// counts: which records are late, and which windows were sent already.

const strings = { keySerde: serdes.string(), valueSerde: serdes.string() }
const OUTPUTS = ['updates', 'closed', 'closed-sliding', 'closed-sessions']

function windowsOfAllKinds(): Topology {
  const builder = new StreamsBuilder()
  const input = builder.stream('in', strings).groupByKey()
  const hopping = timeWindows({ sizeMs: 100, advanceMs: 40, graceMs: 30 })
  const valueSerde = serdes.int64()
  const keySerde = serdes.windowed(serdes.string(), 100)
  const retentionMs = 100_000
  input.windowedBy(hopping).count({ storeName: 'a' }).toStream().to('updates', { keySerde, valueSerde })
  input
    .windowedBy(hopping)
    .emitStrategy('on-window-close')
    .count({ storeName: 'b', retentionMs })
    .toStream()
    .to('closed', { keySerde, valueSerde })
  input
    .windowedBy(slidingWindows({ timeDifferenceMs: 50, graceMs: 30 }))
    .emitStrategy('on-window-close')
    .count({ storeName: 'c', retentionMs })
    .toStream()
    .to('closed-sliding', { keySerde: serdes.windowed(serdes.string(), 50), valueSerde })
  input
    .windowedBy(sessionWindows({ inactivityGapMs: 25, graceMs: 30 }))
    .emitStrategy('on-window-close')
    .count({ storeName: 'd', retentionMs })
    .toStream()
    .to('closed-sessions', {
      keySerde: serdes.sessionWindowed(serdes.string()),
      valueSerde: serdes.int64() as never,
    })
  return builder.build()
}

/** Every fifth record is late for some of its windows, every eleventh for all of them. */
function inputs(from: number, to: number): (readonly [string, string, number])[] {
  return Array.from({ length: to - from }, (_, i) => {
    const at = from + i
    const lagMs = at % 11 === 0 ? 400 : at % 5 === 0 ? 90 : 0
    return [`k${(at * 7) % 5}`, `v${at}`, 1_000 + at * 9 - lagMs] as const
  })
}

type Line = readonly [key: string, value: string, timestamp: number]

function lineOf({ key, value, timestamp }: Pick<OutgoingRecord, 'key' | 'value' | 'timestamp'>): Line {
  return [Buffer.from(key ?? []).toString('hex'), Buffer.from(value ?? []).toString('hex'), timestamp]
}

function expectedOutputs(count: number): Map<string, Line[]> {
  using driver = new TopologyTestDriver(windowsOfAllKinds(), { config: { cacheBytesMax: 0 } })
  const input = driver.createInputTopic('in', strings)
  for (const [key, value, timestamp] of inputs(0, count)) input.pipeInput(key, value, { timestamp })
  return new Map(OUTPUTS.map(topic => [topic, driver.producedRecords(topic).map(lineOf)]))
}

async function seenOutputs(broker: Broker): Promise<Map<string, Line[]>> {
  const seen = new Map<string, Line[]>()
  for (const topic of OUTPUTS) seen.set(topic, (await readAll(broker, topic)).map(lineOf))
  return seen
}

/** Refuses some commits, after the first. */
function refusingCommits(): Interceptor {
  let commits = 0
  return ({ operation, clientId }) => {
    if (operation !== 'end-transaction' || clientId?.startsWith('test')) return
    commits += 1
    if ([2, 4, 7].includes(commits)) throw new BrokerError('INVALID_TXN_STATE', 'abortable', 'sabotage')
  }
}

async function startStreams(broker: Broker, stateDir: string): Promise<KafkaStreams> {
  const streams = new KafkaStreams(
    windowsOfAllKinds(),
    {
      applicationId: 'windows',
      stateDir,
      commitIntervalMs: 0,
      maxPollRecords: 20,
      bufferedRecordsPerPartition: 20,
      cacheBytesMax: 0,
      emitIntervalMs: 0,
    },
    { broker, logger: silentLogger },
  )
  onTestFinished(() => streams.close())
  await streams.start()
  return streams
}

describe('windows in an application', () => {
  it('aborts, a restart and a restore do not show in any output', async () => {
    const broker = await openEmbeddedBroker({ interceptor: refusingCommits() })
    onTestFinished(() => broker.close())
    await createTopics(broker, { in: 1, updates: 1, closed: 1, 'closed-sliding': 1, 'closed-sessions': 1 })
    const [half, all] = [expectedOutputs(300), expectedOutputs(600)]
    await produce(broker, 'in', 1, inputs(0, 300))
    const first = await startStreams(broker, await temporaryDirectory())
    await eventually(async () => expect(await seenOutputs(broker)).toEqual(half))
    await first.close()
    await produce(broker, 'in', 1, inputs(300, 600))
    // Another directory: the state comes back from the changelogs, the times with the committed offsets.
    await startStreams(broker, await temporaryDirectory())
    await eventually(async () => expect(await seenOutputs(broker)).toEqual(all))
  })

  it('all windows of a key lie in the partition of the key', async () => {
    const broker = await openEmbeddedBroker()
    onTestFinished(() => broker.close())
    await createTopics(broker, { in: 4, updates: 4, closed: 4, 'closed-sliding': 4, 'closed-sessions': 4 })
    await produce(broker, 'in', 4, inputs(0, 100))
    await startStreams(broker, await temporaryDirectory())
    await eventually(async () => expect((await readAll(broker, 'updates')).length).toBeGreaterThan(100))
    for (const { key, partition } of await readAll(broker, 'updates')) {
      expect(partition).toBe(partitionForKey((key as Uint8Array).subarray(0, -8), 4))
    }
  })
})
