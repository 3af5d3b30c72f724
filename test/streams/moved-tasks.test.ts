import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import type { Broker } from '../../lib/broker/broker.ts'
import { openEmbeddedBroker } from '../../lib/broker/embedded/embedded-broker.ts'
import { silentLogger } from '../../lib/common/logger.ts'
import { Metrics } from '../../lib/common/metrics/metrics.ts'
import { StreamsBuilder } from '../../lib/dsl/methods/streams-builder.ts'
import { untilTimeLimit } from '../../lib/dsl/options/suppressed.ts'
import { timeWindows } from '../../lib/dsl/windows/time-windows.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import { KafkaStreams } from '../../lib/streams/kafka-streams.ts'
import { eventually } from '../support/eventually.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { createTopics, produce } from '../support/topics.ts'

const text = { keySerde: serdes.string(), valueSerde: serdes.string() }

/** Stores of several kinds in each task, and a global one. */
function topology() {
  const builder = new StreamsBuilder()
  builder.globalTable('names', { ...text, storeName: 'all-names' })
  const stream = builder.stream('in', text)
  const group = stream.groupByKey()
  const counts = group.count({ storeName: 'counts' })
  counts
    .suppress(untilTimeLimit({ timeLimitMs: 10, buffer: 'unbounded' }))
    .toStream()
    .forEach(() => undefined)
  group.windowedBy(timeWindows({ sizeMs: 10, graceMs: 0 })).count({ storeName: 'windows' })
  stream.mapValuesAsync(async value => value, { name: 'later', concurrency: 1 })
  return builder.build()
}

async function start(broker: Broker, stateDir: string): Promise<KafkaStreams> {
  const streams = new KafkaStreams(
    topology(),
    { applicationId: 'moving', stateDir, commitIntervalMs: 10, stateCleanupDelayMs: 20 },
    { broker, logger: silentLogger, metrics: new Metrics() },
  )
  onTestFinished(() => streams.close())
  await streams.start()
  return streams
}

/** Tasks by the metrics that carry their names. */
function tasksOfMetrics(streams: KafkaStreams): string[] {
  const values = streams.metrics.samples().flatMap(({ tags }) => Object.values(tags))
  return [...new Set(values.filter(value => /^\d+_\d+$|^global$/.test(value)))].sort()
}

it('a task that moves away takes its metrics with it and, after the delay, its state; it comes back whole', async () => {
  const broker = await openEmbeddedBroker()
  onTestFinished(() => broker.close())
  await createTopics(broker, { in: 2, names: 1 }, ['names'])
  const keys = Array.from({ length: 20 }, (_, at) => `k${at}`)
  await produce(
    broker,
    'in',
    2,
    keys.map(key => [key, 'x'] as const),
  )
  const stateDir = await temporaryDirectory()
  const states = async (): Promise<string[]> =>
    (await readdir(join(stateDir, 'moving'))).filter(name => name !== 'process' && name !== 'global').sort()
  const first = await start(broker, stateDir)
  const counted = (): number => keys.filter(key => first.store('counts').get(key) === 1).length
  await eventually(() => counted() === keys.length, { what: 'all counts in one process' })
  const [stayed, moved] = ['1_0', '1_1']
  expect(await states()).toEqual([stayed, moved])
  expect(tasksOfMetrics(first)).toEqual(expect.arrayContaining(['global', stayed, moved]))

  const second = await start(broker, await temporaryDirectory())
  const left = await eventually(
    async () => {
      const [only, ...others] = await states()
      return others.length === 0 && only
    },
    { what: 'the removal of the state of one task' },
  )
  expect(tasksOfMetrics(first)).not.toContain(left === stayed ? moved : stayed)
  expect(tasksOfMetrics(first)).toContain(left)
  // Counted once the directory is gone, which is seen before.
  const removed = (): number => first.metrics.total('task-directories-removed-total')
  await eventually(() => removed() > 0, { what: 'the count of the removal' })
  expect(removed()).toBe(1)

  await second.close()
  await eventually(() => counted() === keys.length, { what: 'all counts, back in one process' })
  await first.close()
  expect(tasksOfMetrics(first)).toEqual([])
  // What is closed is not removed: the next start finds it.
  expect(await states()).toEqual([stayed, moved])
})
