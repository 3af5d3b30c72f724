import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { openBroker } from '../../lib/broker/open/open-broker.ts'
import { silentLogger } from '../../lib/common/logger.ts'
import { METRIC_CATALOGUE } from '../../lib/common/metrics/metric-catalogue.ts'
import { METRICS_ABSENT } from '../../lib/common/metrics/metrics-absent.ts'
import type { MetricSample } from '../../lib/common/metrics/metrics.ts'
import { StreamsBuilder } from '../../lib/dsl/methods/streams-builder.ts'
import { timeWindows } from '../../lib/dsl/windows/time-windows.ts'
import { untilWindowCloses } from '../../lib/dsl/options/suppressed.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import { KafkaStreams } from '../../lib/streams/kafka-streams.ts'
import type { Topology } from '../../lib/topology/topology.ts'
import { eventually } from '../support/eventually.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { createTopics, produce } from '../support/topics.ts'

const text = { keySerde: serdes.string(), valueSerde: serdes.string() }
const nameOf = ({ group, name }: { readonly group: string; readonly name: string }) => `${group} ${name}`

/** As jvm/MetricNames.java builds it. */
function topology(): Topology {
  const builder = new StreamsBuilder()
  const input = builder.stream('text', text)
  const names = builder.table('names', { ...text, storeName: 'names' })
  builder.globalTable('countries', { ...text, storeName: 'countries' })
  input.join(names, (left, right) => left + right).to('out', text)
  const counts = input.groupByKey().count({ storeName: 'counts' })
  counts.toStream().mapValues(String).to('out', text)
  input
    .groupByKey()
    .windowedBy(timeWindows({ sizeMs: 100, graceMs: 0 }))
    .count({ storeName: 'windows' })
    .suppress(untilWindowCloses({ buffer: 'unbounded' }))
    .toStream()
    .map((count, { key }: { key: string }) => [key, String(count)])
    .to('out', text)
  input
    .groupByKey()
    .windowedBy(timeWindows({ sizeMs: 100, graceMs: 0 }))
    .emitStrategy('on-window-close')
    .count({ storeName: 'final' })
  input.process(() => ({
    init: context => void context.schedule({ type: 'wall-clock-time', intervalMs: 1 }, () => undefined),
    process: () => undefined,
  }))
  return builder.build()
}

/** What there is after some records and commits. */
async function samplesOf(metricsRecordingLevel: 'info' | 'debug'): Promise<MetricSample[]> {
  const broker = await openBroker('memory')
  await createTopics(broker, { text: 1, names: 1, countries: 1, out: 1 }, ['countries'])
  await produce(broker, 'names', 1, [['a', 'A']])
  await produce(broker, 'countries', 1, [['a', 'A']])
  const config = { applicationId: 'app', commitIntervalMs: 10, stateDir: await temporaryDirectory() }
  const streams = new KafkaStreams(
    topology(),
    { ...config, metricsRecordingLevel },
    { broker, logger: silentLogger },
  )
  try {
    await streams.start()
    await produce(broker, 'text', 1, [
      ['a', 'one'],
      ['a', 'two'],
    ])
    await eventually(() => streams.metrics.total('records-produced-total') >= 3)
    await eventually(() => streams.metrics.total('punctuate-total') > 0)
    await eventually(() => streams.metrics.total('commit-total') > 0)
    return streams.metrics.samples()
  } finally {
    await streams.close()
    await broker.close()
  }
}

describe('metrics', () => {
  const golden = readFileSync(new URL('names-4.3.1.tsv', import.meta.url), 'utf8')
    .trim()
    .split('\n')
    .map(line => line.replace('\t', ' '))
  const absent = new Set(
    METRICS_ABSENT.flatMap(({ group, names }) => names.map(name => nameOf({ group, name }))),
  )
  const taken = new Map<string, Promise<MetricSample[]>>()
  const samplesAt = (level: 'info' | 'debug'): Promise<MetricSample[]> => {
    const samples = taken.get(level) ?? samplesOf(level)
    taken.set(level, samples)
    return samples
  }

  it('have the names of Kafka Streams 4.3.1, but for those that are listed with a reason', async () => {
    const debug = await samplesAt('debug')
    const names = new Set(debug.map(nameOf))
    expect(golden.length).toBeGreaterThan(170)
    expect(golden.filter(name => !names.has(name) && !absent.has(name))).toEqual([])
    expect([...absent].filter(name => names.has(name) || !golden.includes(name))).toEqual([])
  })

  it('are in the catalogue, at their level', async () => {
    const debug = await samplesAt('debug')
    const info = await samplesAt('info')
    const levels = new Map(METRIC_CATALOGUE.map(metric => [nameOf(metric), metric.level]))
    expect(debug.map(nameOf).filter(name => !levels.has(name))).toEqual([])
    const atInfo = new Set(info.map(nameOf))
    expect([...atInfo].filter(name => levels.get(name) !== 'info')).toEqual([])
    const onlyAtDebug = new Set(debug.map(nameOf).filter(name => !atInfo.has(name)))
    expect([...onlyAtDebug].filter(name => levels.get(name) !== 'debug')).toEqual([])
  })

  it('are no others than those of the catalogue that Kafka Streams has not', () => {
    const own = METRIC_CATALOGUE.filter(({ group }) => group.startsWith('stream-')).map(nameOf)
    // Of rates there are totals, too. A topology with other stores has the rest.
    const known = (name: string) => golden.includes(name) || golden.includes(name.replace(/-total$/, '-rate'))
    expect(own.filter(name => !known(name) && !/ remove-| put-if-absent-/.test(name))).toEqual([])
  })

  it('measure what happened', async () => {
    const debug = await samplesAt('debug')
    const value = (name: string, group: string, tags: { [tag: string]: string } = {}) =>
      debug
        .filter(sample => sample.name === name && sample.group === group)
        .filter(sample => Object.entries(tags).every(([tag, wanted]) => sample.tags[tag] === wanted))
        .filter(sample => !Number.isNaN(sample.value))
        .reduce((sum, sample) => sum + sample.value, 0)
    // Two of the input, one of the table's.
    expect(value('process-total', 'stream-thread-metrics')).toBe(3)
    expect(value('process-total', 'stream-task-metrics')).toBe(3)
    expect(value('records-consumed-total', 'stream-topic-metrics', { topic: 'text' })).toBe(2)
    // Key, value, and 20 bytes with the name of the topic.
    expect(value('bytes-consumed-total', 'stream-topic-metrics', { topic: 'text' })).toBe(
      2 * (1 + 3 + 20 + 4),
    )
    expect(value('put-total', 'stream-state-metrics', { store: 'names' })).toBe(1)
    expect(value('get-total', 'stream-state-metrics', { store: 'counts' })).toBeGreaterThan(0)
    expect(value('records-lag', 'consumer-fetch-manager-metrics')).toBe(0)
    expect(value('client-state', 'stream-metrics')).toBe(2)
    expect(value('alive-stream-threads', 'stream-metrics')).toBe(1)
    expect(value('thread-state', 'stream-thread-metrics')).toBe(4)
    expect(value('task-created-total', 'stream-thread-metrics')).toBe(1)
    expect(value('commit-latency-max', 'stream-thread-metrics')).toBeGreaterThan(0)
    expect(value('record-e2e-latency-max', 'stream-processor-node-metrics')).toBeGreaterThan(0)
  })
})
