import { expect, it, onTestFinished } from 'vitest'
import { openBroker } from '../../lib/broker/open/open-broker.ts'
import {
  fixedBackoff,
  KafkaStreams,
  serdes,
  silentLogger,
  StreamsBuilder,
  type StreamsConfig,
} from '../../lib/index.ts'
import { eventually } from '../support/eventually.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { createTopics, produce, readAll, textOf, type Pair } from '../support/topics.ts'

const TEXT = { keySerde: serdes.string(), valueSerde: serdes.string() }

function topology() {
  const builder = new StreamsBuilder()
  builder
    .stream<string, string>('in', TEXT)
    .mapValuesAsync(
      async value => {
        if (value.startsWith('bad')) throw new Error(`not ${value}`)
        return value
      },
      { name: 'charge', retry: { backoff: fixedBackoff({ delayMs: 3_600_000 }), attempts: 3 } },
    )
    .to('out', TEXT)
  return builder.build()
}

/** An application of several processes, as far as the broker can tell, and what it has put out. */
async function stage(partitions = 1) {
  const broker = await openBroker('memory')
  onTestFinished(() => broker.close())
  await createTopics(broker, { in: partitions, out: 1 })
  const start = async (stateDir?: string, more: Partial<StreamsConfig> = {}) => {
    const config = {
      applicationId: 'subject',
      stateDir: stateDir ?? (await temporaryDirectory()),
      commitIntervalMs: 20,
      ...more,
    }
    const streams = new KafkaStreams(topology(), config, { broker, logger: silentLogger })
    onTestFinished(() => streams.close())
    await streams.start()
    return streams
  }
  const send = (...pairs: Pair[]) => produce(broker, 'in', partitions, pairs)
  const out = async () => (await readAll(broker, 'out')).map(({ value }) => textOf(value))
  return { broker, start, send, out }
}

it('a skip that was said while the application stood still: a letter at the next start', async () => {
  const { start, send, out, broker } = await stage()
  const stateDir = await temporaryDirectory()
  const first = await start(stateDir)
  await send(['a', 'bad'], ['a', 'good'])
  await eventually(() => first.metrics.total('retry-parked-records') === 2)
  const control = first.control()
  await first.close()
  await control.skip({ operator: 'charge', letter: 'in-0-0' })
  await start(stateDir)
  await eventually(async () => (await out()).length === 1)
  expect(await readAll(broker, 'subject-charge-dlq')).toHaveLength(1)
})

it('a pause holds through a restart, and ends soon when resumed in another process', async () => {
  const { start, send, out } = await stage(2)
  const one = await start()
  const two = await start()
  await eventually(() => [one, two].every(each => each.state === 'running'))
  await one.control().pause({ operator: 'charge' }, { reason: 'audit', by: 'ada' })
  const keys = Array.from({ length: 20 }, (_, at) => `k${at}`)
  await send(...keys.map(key => [key, key] as const))
  const paused = (...processes: KafkaStreams[]) =>
    processes.reduce((sum, each) => sum + each.metrics.total('retry-paused-records'), 0)
  await eventually(() => paused(one, two) === 20)
  expect(await out()).toEqual([])
  await one.close()
  await eventually(() => paused(two) === 20)
  const three = await start()
  await eventually(() => paused(three) > 0)
  await eventually(() => paused(two, three) === 20)
  expect(await out()).toEqual([])
  const resumedMs = performance.now()
  const before = await two.control().resume({ operator: 'charge' })
  expect(before).toMatchObject({ do: 'pause', reason: 'audit', by: 'ada', target: { operator: 'charge' } })
  await eventually(async () => (await out()).length === 20)
  // Within a second on a quiet machine.
  expect(performance.now() - resumedMs).toBeLessThan(10_000)
})

it.each(['exactly-once', 'at-least-once'] as const)(
  '%s: a key is ignored, a record is skipped, and the audit has who and why, and what came of it',
  async processingGuarantee => {
    const { start, send, out, broker } = await stage()
    const streams = await start(undefined, { processingGuarantee })
    await send(['a', 'bad-1'], ['b', 'bad-2'], ['b', 'good'])
    await eventually(() => streams.metrics.total('retry-parked-records') === 3)
    const control = streams.control({ by: 'ada' })
    await control.skip({ operator: 'charge', letter: 'in-0-1' }, { reason: 'typo' })
    await eventually(async () => (await out()).length === 1)
    await eventually(async () => (await control.list()).length === 0)
    await control.ignore({ operator: 'charge', key: 'a' }, { by: 'bob' })
    await eventually(async () => (await readAll(broker, 'subject-charge-dlq')).length === 2)
    expect(await control.list()).toMatchObject([
      { target: { operator: 'charge', key: 'a' }, do: 'ignore', by: 'bob' },
    ])
    const events = await eventually(async () => {
      const found = await control.history()
      return found.length === 4 && found
    })
    expect(events).toMatchObject([
      { target: { operator: 'charge', letter: 'in-0-1' }, do: 'skip', by: 'ada', reason: 'typo' },
      { do: 'skip', by: 'ada', effect: { letter: 'in-0-1', became: 'letter', task: '0_0' } },
      { target: { operator: 'charge', key: 'a' }, do: 'ignore', by: 'bob', reason: '' },
      { do: 'ignore', by: 'bob', effect: { letter: 'in-0-0', became: 'letter' } },
    ])
    expect(await control.history({ limit: 1 })).toEqual(events.slice(-1))
    expect(await control.resume({ operator: 'charge', partition: 0 })).toBeUndefined()
    expect(await control.history()).toHaveLength(4)
    await expect(control.pause({ operator: 'chrage' })).rejects.toThrow('did you mean charge?')
    await expect(control.pause({ operator: 'charge', partition: 1 })).rejects.toThrow(
      'it has partition 0 only',
    )
  },
)

it('two people at once: both are heard', async () => {
  const { start } = await stage()
  const streams = await start()
  await Promise.all(
    ['a', 'b', 'c', 'd'].map(key => streams.control({ by: key }).pause({ operator: 'charge', key })),
  )
  const commands = await streams.control().list()
  expect(commands.map(({ by }) => by).sort()).toEqual(['a', 'b', 'c', 'd'])
})

it("a user's topic that is called control is another one", async () => {
  const broker = await openBroker('memory')
  onTestFinished(() => broker.close())
  await createTopics(broker, { control: 1, out: 1 })
  const builder = new StreamsBuilder()
  builder
    .stream<string, string>('control', TEXT)
    .mapValuesAsync(async value => value, {
      name: 'control',
      retry: { backoff: fixedBackoff({ delayMs: 1_000 }), attempts: 3 },
    })
    .to('out', TEXT)
  const config = { applicationId: 'subject', stateDir: await temporaryDirectory(), commitIntervalMs: 20 }
  const streams = new KafkaStreams(builder.build(), config, { broker, logger: silentLogger })
  onTestFinished(() => streams.close())
  await streams.start()
  await streams.control().pause({ operator: 'control', key: 'a' })
  await produce(broker, 'control', 1, [
    ['a', 'held'],
    ['b', 'free'],
  ])
  await eventually(async () => (await readAll(broker, 'out')).length === 1)
  expect((await readAll(broker, 'out')).map(({ value }) => textOf(value))).toEqual(['free'])
})

it('what was said about an operator of an earlier topology can be taken back, and nothing else be said of it', async () => {
  const { start, broker } = await stage()
  const streams = await start()
  const control = streams.control()
  const record = { topic: 'subject-control', partition: 0, timestamp: 0, headers: [] }
  const value = Buffer.from('{"v":1,"do":"pause","reason":"","by":"eve","at":0}')
  const producer = await broker.producer({ clientId: 'test' })
  producer.send({ ...record, key: Buffer.from('old/key/dTc'), value })
  await producer.flush()
  await producer.close()
  const key = Buffer.from('u7')
  expect(await control.list()).toMatchObject([{ target: { operator: 'old', key }, by: 'eve' }])
  await expect(control.pause({ operator: 'old' })).rejects.toThrow('no operator with retry is called old')
  await expect(control.resume({ operator: 'old' })).rejects.toThrow('no operator with retry is called old')
  expect(await control.resume({ operator: 'old', key })).toMatchObject({ by: 'eve' })
  expect(await control.list()).toEqual([])
})
