import { describe, expect, it, onTestFinished } from 'vitest'
import { openEmbeddedBroker } from '../../lib/broker/embedded/embedded-broker.ts'
import { utf8, utf8Text } from '../../lib/common/bytes.ts'
import { silentLogger } from '../../lib/common/logger.ts'
import {
  continueOnError,
  KafkaStreams,
  serdes,
  StreamsBuilder,
  type ProcessorContext,
  type StreamsConfig,
} from '../../lib/index.ts'
import { readLetter } from '../../lib/processor/letter.ts'
import { TopologyTestDriver } from '../../lib/testing.ts'
import { eventually } from '../support/eventually.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { createTopics, produce, readAll, textOf } from '../support/topics.ts'

const TEXT = { keySerde: serdes.string(), valueSerde: serdes.string() }
const LETTERS = { deadLetterQueueTopic: 'letters' }

/** Counts what a check lets pass; `isBad` says what it throws for. */
function topology(isBad: (value: string) => boolean, seen: unknown[] = []) {
  const builder = new StreamsBuilder()
  builder
    .stream<string, string>('in', TEXT)
    .peek(value => {
      if (isBad(value)) throw new RangeError(`${value} is bad`)
    })
    .process<string, string>(() => {
      let context: ProcessorContext<string, string>
      return {
        init: given => void (context = given),
        process: record => {
          seen.push({ ...context.recordMetadata(), timestamp: record.timestamp })
          context.forward(record)
        },
      }
    })
    .groupByKey(TEXT)
    .count({ storeName: 'counts' })
    .toStream()
    .to('counts', { keySerde: serdes.string(), valueSerde: serdes.int64() })
  return builder.build()
}

describe('letters of a handler', () => {
  it('have the form of operators, and are processed again with the place and time of their records', () => {
    let isMended = false
    const seen: unknown[] = []
    using driver = new TopologyTestDriver(
      topology(value => !isMended && value.startsWith('bad'), seen),
      {
        config: { ...LETTERS, processingErrorHandler: continueOnError },
        startWallClockMs: 5_000,
      },
    )
    const input = driver.createInputTopic('in', TEXT)
    input.pipeInput('k', 'good', { timestamp: 1 })
    driver.pipeRecord({
      topic: 'in',
      partition: 0,
      key: utf8('k'),
      value: utf8('bad'),
      timestamp: 7,
      headers: [{ key: 'trace', value: utf8('t') }],
    })
    const [record] = driver.producedRecords('letters')
    expect(readLetter(record!)).toMatchObject({
      id: 'in-0-1',
      applicationId: 'test-application',
      operator: 'KSTREAM-PEEK-0000000001',
      reason: 'failed',
      attempts: 1,
      firstFailedMs: 5_000,
      lastError: { name: 'RangeError', message: 'bad is bad' },
      topic: 'in',
      partition: 0,
      offset: 1,
      timestamp: 7,
      headers: [{ key: 'trace', value: utf8('t') }],
    })
    isMended = true
    driver.pipeRecord({ ...record!, topic: 'test-application-KSTREAM-SOURCE-0000000000-replay' })
    expect(seen).toEqual([
      { topic: 'in', partition: 0, offset: 0, timestamp: 1 },
      { topic: 'in', partition: 0, offset: 1, timestamp: 7 },
    ])
    const counts = driver.createOutputTopic('counts', { ...TEXT, valueSerde: serdes.int64() })
    expect(
      counts
        .readRecords()
        .map(({ value, timestamp, headers }) => [value, timestamp, headers.map(({ key }) => key)]),
    ).toEqual([
      [1, 1, []],
      [2, 7, ['trace']],
    ])
  })

  it('a record that cannot be read, and one that is no letter, in the replay topic', () => {
    const builder = new StreamsBuilder()
    builder
      .stream<string, object>('in', { keySerde: serdes.string(), valueSerde: serdes.json() })
      .to('out', { keySerde: serdes.string(), valueSerde: serdes.json() })
    using driver = new TopologyTestDriver(builder.build(), {
      config: { ...LETTERS, deserializationErrorHandler: continueOnError },
    })
    const bytes = { partition: 0, key: utf8('k'), timestamp: 0, headers: [] }
    driver.pipeRecord({ ...bytes, topic: 'in', value: utf8('no json') })
    const [record] = driver.producedRecords('letters')
    expect(readLetter(record!)).toMatchObject({ id: 'in-0-0', reason: 'undeserialisable', operator: '' })
    const topic = 'test-application-KSTREAM-SOURCE-0000000000-replay'
    driver.pipeRecord({ ...record!, topic })
    // It fails as before, and its letter is about the record, not about its letter.
    const [, again] = driver.producedRecords('letters')
    expect(readLetter(again!)).toMatchObject({ id: 'in-0-0', topic: 'in', offset: 0, headers: [] })
    driver.pipeRecord({ ...bytes, topic, value: utf8('{}') })
    expect(driver.createOutputTopic('out', TEXT).isEmpty).toBe(true)
    expect(driver.metricTotal('dropped-records-total')).toBe(3)
  })

  it('there is nothing of it without deadLetterQueueTopic, and no number, store or anchor is another with it', () => {
    const made = topology(() => false)
    const [without, withLetters] = [made.plan('app'), made.plan('app', { replays: true })]
    const names = (plan: typeof without) =>
      plan.subtopologies.flatMap(({ nodes }) => nodes.map(({ name }) => name))
    expect(names(withLetters).filter(name => !/-replay(ed)?$/.test(name))).toEqual(names(without))
    expect(names(without).filter(name => /-replay/.test(name))).toEqual([])
    expect(withLetters.subtopologies.map(({ stores }) => stores)).toEqual(
      without.subtopologies.map(({ stores }) => stores),
    )
  })
})

it.each(['continue', 'rollback'] as const)(
  'answered %s: replayed by the client, once, to the task that failed',
  async answer => {
    const broker = await openEmbeddedBroker()
    onTestFinished(() => broker.close())
    await createTopics(broker, { in: 3, counts: 3, letters: 1 })
    let isMended = false
    const config: StreamsConfig = {
      applicationId: 'app',
      stateDir: await temporaryDirectory(),
      commitIntervalMs: 20,
      ...LETTERS,
      processingErrorHandler: () => answer,
    }
    const streams = new KafkaStreams(
      topology(value => !isMended && value.startsWith('bad')),
      config,
      { broker, logger: silentLogger },
    )
    onTestFinished(() => streams.close())
    await streams.start()
    const values = Array.from(
      { length: 30 },
      (_, at) => [`k${at % 5}`, at % 6 === 1 ? `bad${at}` : `v${at}`] as const,
    )
    await produce(broker, 'in', 3, values)
    const counted = () => {
      const store = streams.store<string, number>('counts')
      return [0, 1, 2, 3, 4].reduce((sum, at) => sum + (store.get(`k${at}`) ?? 0), 0)
    }
    await eventually(() => counted() === 25)
    await eventually(async () => (await readAll(broker, 'letters')).length === 5)
    // Once more: it fails again at each, and the letters of before are not open any more.
    const letters = streams.deadLetters()
    expect(await letters.replay({})).toMatchObject({ left: 0, homeless: [] })
    await eventually(async () => (await readAll(broker, 'letters')).length === 10)
    const again = (await readAll(broker, 'letters')).slice(5).map(record => readLetter(record)!)
    expect(again.map(({ id }) => id.replace(/-\d+$/, ''))).toEqual(
      again.map(({ partition }) => `in-${partition}`),
    )
    isMended = true
    const { letters: replayed } = await letters.replay({})
    expect(replayed.map(({ value }) => utf8Text(value!)).sort()).toEqual(
      values.flatMap(([, value]) => (value.startsWith('bad') ? [value] : [])).sort(),
    )
    await eventually(() => counted() === 30)
    const last = new Map(
      (await readAll(broker, 'counts')).map(({ key, partition }) => [textOf(key), partition]),
    )
    // Each key is counted where it belongs.
    const inputs = new Map(
      (await readAll(broker, 'in')).map(({ key, partition }) => [textOf(key), partition]),
    )
    expect(last).toEqual(inputs)
  },
)

it('letters of other applications in the same topic are left alone, and those of topics it does not read are told of', async () => {
  const broker = await openEmbeddedBroker()
  onTestFinished(() => broker.close())
  await createTopics(broker, { in: 1, other: 1, counts: 1, letters: 1 })
  const start = async (applicationId: string, topic: string) => {
    const builder = new StreamsBuilder()
    builder.stream<string, string>(topic, TEXT).forEach(() => {
      throw new Error('no')
    })
    const config = {
      applicationId,
      stateDir: await temporaryDirectory(),
      commitIntervalMs: 20,
      ...LETTERS,
      processingErrorHandler: continueOnError,
    }
    const streams = new KafkaStreams(builder.build(), config, { broker, logger: silentLogger })
    onTestFinished(() => streams.close())
    await streams.start()
    return streams
  }
  await produce(broker, 'in', 1, [['k', 'v']])
  await produce(broker, 'other', 1, [['k', 'v']])
  const one = await start('one', 'in')
  await start('two', 'other')
  await eventually(async () => (await readAll(broker, 'letters')).length === 2)
  expect((await one.deadLetters().replay({}, { dryRun: true })).letters.map(({ id }) => id)).toEqual([
    'in-0-0',
  ])
  await one.close()
  const moved = await start('one', 'counts')
  const result = await moved.deadLetters().replay({})
  expect([result.letters, result.homeless.map(({ id }) => id)]).toEqual([[], ['in-0-0']])
})
