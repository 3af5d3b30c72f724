import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import type { Broker } from '../../../lib/broker/broker.ts'
import { BrokerError } from '../../../lib/broker/broker-error.ts'
import { openBroker } from '../../../lib/broker/open/open-broker.ts'
import { silentLogger } from '../../../lib/common/logger.ts'
import { StreamsBuilder } from '../../../lib/dsl/methods/streams-builder.ts'
import { decodePartitionTime, encodePartitionTime } from '../../../lib/runtime/plan/offset-metadata.ts'
import { serdes } from '../../../lib/serde/serdes.ts'
import { KafkaStreams } from '../../../lib/streams/kafka-streams.ts'
import type { Topology } from '../../../lib/topology/topology.ts'
import wordCount, { wordsOf } from '../../../topologies/word-count.ts'
import { eventually } from '../../support/eventually.ts'
import { needs } from '../../support/needs.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'
import { createTopics, int64Of, produce, readAll, textOf } from '../../support/topics.ts'
import { JavaProcess } from './java-process.ts'

const { brokers, suite } = await needs('native client', 'broker', 'JVM')

/** The demo's topics; it knows no others. */
const INPUT = 'streams-plaintext-input'
const OUTPUT = 'streams-wordcount-output'

const LINES = [
  'All streams lead to Kafka',
  'Hello Kafka Streams',
  '  leading blanks, trailing dots...',
  'Größe ändert sich',
  '',
  "don't -- stop; STOP, Stop!",
  'a_b 12 a_b',
]
const EPOCH_MS = 1_700_000_000_000

type Counts = { readonly [word: string]: number }

let runs = 0
const newId = (name: string) => `${name}-${process.pid}-${(runs += 1)}`

async function openTestBroker(): Promise<Broker> {
  const broker = await openBroker(brokers, { logger: silentLogger })
  onTestFinished(() => broker.close())
  return broker
}

async function ensureDemoTopics(broker: Broker): Promise<void> {
  for (const topic of [INPUT, OUTPUT]) {
    await createTopics(broker, { [topic]: 1 }).catch((error: unknown) => {
      if (!(error instanceof BrokerError && error.code === 'TOPIC_ALREADY_EXISTS')) throw error
    })
  }
}

const writeLines = (broker: Broker, lines: readonly string[]) =>
  produce(
    broker,
    INPUT,
    1,
    lines.map((line, at) => [null, line, EPOCH_MS + at] as const),
  )

/** Counted here, from all that is in the input. */
async function expectedCounts(broker: Broker): Promise<Counts> {
  const counts: { [word: string]: number } = {}
  for (const { value } of await readAll(broker, INPUT))
    for (const word of wordsOf(textOf(value)!)) counts[word] = (counts[word] ?? 0) + 1
  return counts
}

async function endOf(broker: Broker, topic: string): Promise<number> {
  const admin = await broker.admin()
  const ends = await admin.endOffsets([{ topic, partition: 0 }], 'read_committed')
  await admin.close()
  return ends.get(`${topic}-0`)!
}

async function committedMetadata(broker: Broker, applicationId: string): Promise<string | undefined> {
  const admin = await broker.admin()
  const offsets = await admin.groupOffsets(applicationId, [{ topic: INPUT, partition: 0 }])
  await admin.close()
  return offsets.get(`${INPUT}-0`)?.metadata
}

/** The table that a program has written behind this offset. */
async function countsFrom(broker: Broker, offset: number): Promise<Counts> {
  const counts: { [word: string]: number } = {}
  for (const { key, value, offset: at } of await readAll(broker, OUTPUT))
    if (at >= offset) counts[textOf(key)!] = int64Of(value)!
  return counts
}

async function startDemo(applicationId: string): Promise<JavaProcess> {
  const directory = await temporaryDirectory()
  const config = join(directory, 'streams.properties')
  const settings = {
    'application.id': applicationId,
    'bootstrap.servers': brokers,
    'state.dir': join(directory, 'state'),
    'commit.interval.ms': '100',
    // It leaves at once when it closes, so that a successor need not wait for its session's end.
    'session.timeout.ms': '6000',
    'internal.leave.group.on.close': 'true',
  }
  await writeFile(
    config,
    Object.entries(settings)
      .map(([name, value]) => `${name}=${value}\n`)
      .join(''),
  )
  const demo = await JavaProcess.start('org.apache.kafka.streams.examples.wordcount.WordCountDemo', [config])
  onTestFinished(() => demo.stop())
  return demo
}

async function startOurs(broker: Broker, applicationId: string, topology: Topology): Promise<KafkaStreams> {
  const streams = new KafkaStreams(
    topology,
    { applicationId, stateDir: await temporaryDirectory() },
    { broker, logger: silentLogger },
  )
  onTestFinished(() => streams.close())
  await streams.start()
  return streams
}

const eventuallyCounts = (broker: Broker, offset: number, expected: Counts, demo?: JavaProcess) =>
  eventually(
    async () => {
      if (demo?.hasEnded) throw new Error(`the demo has ended: ${demo.errors}`)
      return expect(await countsFrom(broker, offset)).toEqual(expected)
    },
    { pauseMs: 100, what: 'the table of counts' },
  )

/** As the demo builds it: its names, generated in the same order, are those of Kafka Streams. */
function demoTopology(): Topology {
  const builder = new StreamsBuilder()
  builder
    .stream<string | null, string>(INPUT, { keySerde: serdes.string(), valueSerde: serdes.string() })
    .flatMapValues(wordsOf)
    .groupBy(word => word, { keySerde: serdes.string(), valueSerde: serdes.string() })
    .count()
    .toStream()
    .to(OUTPUT, { keySerde: serdes.string(), valueSerde: serdes.int64() })
  return builder.build()
}

await suite('word-count and Kafka Streams', () => {
  it('give the same table for the same input; a JVM consumer reads our counts', async () => {
    const broker = await openTestBroker()
    await ensureDemoTopics(broker)
    await writeLines(broker, LINES)
    const expected = await expectedCounts(broker)
    const beforeDemo = await endOf(broker, OUTPUT)
    const demo = await startDemo(newId('jvm-words'))
    await eventuallyCounts(broker, beforeDemo, expected, demo)
    await demo.stop()
    const beforeOurs = await endOf(broker, OUTPUT)
    const ours = await startOurs(broker, newId('words'), wordCount)
    await eventuallyCounts(broker, beforeOurs, expected)
    await ours.close()
    expect(await readByJvm(beforeOurs, await endOf(broker, OUTPUT))).toEqual(expected)
  })

  it('take an application over from each other: state, offsets and partition time', async () => {
    const broker = await openTestBroker()
    await ensureDemoTopics(broker)
    const applicationId = newId('handed-over')
    const start = await endOf(broker, OUTPUT)
    await writeLines(broker, LINES)
    const demo = await startDemo(applicationId)
    await eventuallyCounts(broker, start, await expectedCounts(broker), demo)
    await demo.stop()
    const byJvm = await committedMetadata(broker, applicationId)
    expect(byJvm).toBe(encodePartitionTime(EPOCH_MS + LINES.length - 1))
    await writeLines(broker, ['kafka again'])
    const ours = await startOurs(broker, applicationId, demoTopology())
    await eventuallyCounts(broker, start, await expectedCounts(broker))
    await ours.close()
    // The last line is older than those before it: the time that the JVM program had committed must have come
    // through.
    expect(decodePartitionTime(await committedMetadata(broker, applicationId))).toBe(
      decodePartitionTime(byJvm),
    )
    await writeLines(broker, ['back to the JVM'])
    const again = await startDemo(applicationId)
    await eventuallyCounts(broker, start, await expectedCounts(broker), again)
    await again.stop()
  })
})

/** The table as Kafka's console consumer reads it, with Java's own deserializers. */
async function readByJvm(from: number, to: number): Promise<Counts> {
  const formatter = [
    'print.key=true',
    'key.separator=\u0001',
    'key.deserializer=org.apache.kafka.common.serialization.StringDeserializer',
    'value.deserializer=org.apache.kafka.common.serialization.LongDeserializer',
  ]
  const consumer = await JavaProcess.start('org.apache.kafka.tools.consumer.ConsoleConsumer', [
    ...['--bootstrap-server', brokers, '--topic', OUTPUT, '--partition', '0', '--offset', `${from}`],
    ...['--isolation-level', 'read_committed', '--timeout-ms', `${3000 + (to - from)}`],
    ...formatter.flatMap(property => ['--formatter-property', property]),
  ])
  const lines = (await consumer.output()).split('\n').filter(line => line.includes('\u0001'))
  return Object.fromEntries(
    lines.map(line => {
      const [word, count] = line.split('\u0001')
      return [word!, Number(count)]
    }),
  )
}
