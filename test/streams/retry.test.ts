import { expect, it, onTestFinished } from 'vitest'
import { openBroker } from '../../lib/broker/open/open-broker.ts'
import { fixedBackoff, KafkaStreams, serdes, StreamsBuilder, type AsyncCall } from '../../lib/index.ts'
import { isMark } from '../../lib/store/operator/pending-store.ts'
import { eventually } from '../support/eventually.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { createTopics, produce, readAll, textOf } from '../support/topics.ts'

const TEXT = { keySerde: serdes.string(), valueSerde: serdes.string() }
const CHANGELOG = 'subject-parked-changelog'

/** An application whose calls wait until they are let go. */
async function stage(call: (value: string, key: string, about: AsyncCall) => Promise<string>) {
  const broker = await openBroker('memory')
  onTestFinished(() => broker.close())
  await createTopics(broker, { in: 1, out: 1 })
  const stateDir = await temporaryDirectory()
  const logged: string[] = []
  const start = async () => {
    const builder = new StreamsBuilder()
    builder
      .stream<string, string>('in', TEXT)
      .mapValuesAsync(call, {
        name: 'charge',
        concurrency: 8,
        pendingStore: { storeName: 'parked' },
        retry: { backoff: fixedBackoff({ delayMs: 60_000 }), attempts: 5 },
      })
      .to('out', TEXT)
    const logger = { log: (level: string, message: string) => void logged.push(`${level} ${message}`) }
    const streams = new KafkaStreams(
      builder.build(),
      { applicationId: 'subject', stateDir, commitIntervalMs: 20 },
      { broker, logger },
    )
    onTestFinished(() => streams.close())
    await streams.start()
    return streams
  }
  return { broker, start, logged }
}

it('retry: a clean end leaves no mark, and parked records with their attempts; the next start calls eight at a time', async () => {
  let inFlight = 0
  let inFlightMax = 0
  let isFailing = true
  const { broker, start, logged } = await stage(async (value, _key, { attempt }) => {
    if (isFailing) throw new Error('down')
    inFlight += 1
    inFlightMax = Math.max(inFlightMax, inFlight)
    await new Promise(resolve => setTimeout(resolve, 20))
    inFlight -= 1
    return `${value}:${attempt}`
  })
  await produce(broker, 'in', 1, [['parked', 'p']])
  const first = await start()
  await eventually(() => first.metrics.total('retry-parked-records') === 1)
  await eventually(async () =>
    (await readAll(broker, CHANGELOG)).some(({ key, value }) => isMark(key!) && value),
  )
  await first.close()
  expect(logged.filter(line => !line.startsWith('info') && !line.startsWith('debug'))).toEqual([])
  const marks = (await readAll(broker, CHANGELOG)).filter(({ key }) => isMark(key!))
  expect(marks.at(-1)?.value).toBeNull()

  isFailing = false
  await produce(
    broker,
    'in',
    1,
    Array.from({ length: 40 }, (_, at) => [`k${at}`, 'v']),
  )
  const second = await start()
  await eventually(async () => (await readAll(broker, 'out')).length === 40)
  expect(inFlightMax).toBe(8)
  // What was parked waits for its time still.
  expect(second.metrics.total('retry-parked-records')).toBe(1)
  expect((await readAll(broker, 'out')).map(({ value }) => textOf(value))).not.toContain('p:2')
})

it('waitingRecords: what is parked, behind it and paused, each with its attempts and its next call', async () => {
  const { broker, start } = await stage(async value => {
    if (value === 'p') throw new RangeError('down')
    return value
  })
  await produce(broker, 'in', 1, [
    ['a', 'p'],
    ['b', 'ok'],
    ['a', 'q'],
  ])
  const streams = await start()
  await streams.control().pause({ operator: 'charge', key: 'c' })
  await produce(broker, 'in', 1, [['c', 'r']])
  await eventually(() => streams.waitingRecords().length === 3)
  const waiting = streams.waitingRecords({ operator: 'charge' })
  expect(waiting.find(({ id }) => id === 'in-0-0')).toMatchObject({
    operator: 'charge',
    taskId: '0_0',
    key: 'a',
    state: 'parked',
    attempts: 1,
    lastError: { name: 'RangeError', message: 'down' },
  })
  const [parked] = waiting.filter(({ state }) => state === 'parked')
  expect(parked!.dueMs! - parked!.firstFailedMs!).toBe(60_000)
  expect(waiting.find(({ id }) => id === 'in-0-2')).toMatchObject({ key: 'a', state: 'behind', attempts: 0 })
  await eventually(() => streams.waitingRecords().some(({ state }) => state === 'paused'))
  expect(streams.waitingRecords().find(({ state }) => state === 'paused')).toMatchObject({
    key: 'c',
    dueMs: undefined,
  })
  expect(streams.waitingRecords({ operator: 'other' })).toEqual([])
  expect(streams.waitingRecords({ limit: 2 })).toHaveLength(2)
})
