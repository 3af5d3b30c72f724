import { expect, test } from 'vitest'
import { StreamsBuilder } from '../../lib/dsl/methods/streams-builder.ts'
import { pushKey, type PushEvent } from '../../lib/dsl/push/push-event.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import { TopologyTestDriver } from '../../lib/testing/topology-test-driver.ts'
import { pushTopology, type Told } from './push-topology.ts'

const DAY_MS = 24 * 3_600_000
const TOPIC = 'test-application-push'

function open(options: Parameters<typeof pushTopology>[0] = {}) {
  const driver = new TopologyTestDriver(pushTopology(options), { startWallClockMs: 10 * DAY_MS })
  const told = driver.createInputTopic<string, Told>('told', {
    keySerde: serdes.string(),
    valueSerde: serdes.json<Told>(),
  })
  const pushed = driver.createOutputTopic<string, PushEvent>(TOPIC, {
    keySerde: serdes.string(),
    valueSerde: serdes.json<PushEvent>(),
  })
  const log = driver.store<string, PushEvent>('push-log')
  return { driver, told, pushed, log }
}

const numbers = (events: readonly { readonly key: string | null; readonly value: PushEvent | null }[]) =>
  events.map(({ key, value }) => `${key}${value?.seq}`)

test('events of each channel are numbered from 1, and are in the log of the process', () => {
  const { told, pushed, log } = open()
  told.pipeInput('a', { type: 'started', job: 'j' }, { timestamp: 5 })
  told.pipeInput('b', { type: 'started', job: 'k' }, { timestamp: 6 })
  told.pipeInput('a', { type: 'progress', job: 'j', percent: 9 }, { timestamp: 7 })
  told.pipeInput('a', { type: 'completed', job: 'j' }, { timestamp: 8 })
  expect(numbers(pushed.readRecords())).toEqual(['a1', 'b1', 'a2', 'a3'])
  expect([...log.range(pushKey('a', 1), pushKey('a', 99))].map(([, event]) => event)).toEqual([
    { seq: 1, atMs: 5, data: { type: 'started', job: 'j' } },
    { seq: 2, atMs: 7, data: { type: 'progress', job: 'j', percent: 9 }, mergeKey: 'j' },
    { seq: 3, atMs: 8, data: { type: 'completed', job: 'j' }, isTerminal: true },
  ])
})

test('a channel that is not the key goes through a topic of its own; records without one are dropped', () => {
  const { driver, told, pushed } = open({ channel: ({ job }) => job })
  told.pipeInput('a', { type: 'started', job: 'j' })
  told.pipeInput('b', { type: 'completed', job: 'j' })
  for (const job of ['', 'a\u0000b', 'x'.repeat(201), undefined as unknown as string])
    told.pipeInput('c', { type: 'started', job })
  expect(numbers(pushed.readRecords())).toEqual(['j1', 'j2'])
  expect(driver.producedTopicNames()).toContain('test-application-push-channels-repartition')
  expect(driver.metricTotal('dropped-records-total')).toBe(4)
})

test('of a channel as many events are kept as it may have, and every end', () => {
  const { told, log } = open({ eventsMax: 3 })
  told.pipeInput('a', { type: 'completed', job: 'j' })
  for (let percent = 1; percent <= 9; percent += 1)
    told.pipeInput('a', { type: 'progress', job: 'j', percent })
  expect([...log.range(pushKey('a', 1), pushKey('a', 99))].map(([, { seq }]) => seq)).toEqual([1, 8, 9, 10])
})

test('events older than the retention leave the log', () => {
  const { driver, told, log } = open({ retentionMs: DAY_MS })
  told.pipeInput('a', { type: 'completed', job: 'j' })
  driver.advanceWallClockTime(DAY_MS + 1)
  expect(log.get(pushKey('a', 1))).toBeDefined()
  told.pipeInput('b', { type: 'started', job: 'j' })
  expect(log.get(pushKey('a', 1))).toBeUndefined()
  expect(log.get(pushKey('b', 1))).toBeDefined()
})

test('a record of a wrong clock does away with nothing', () => {
  const { told, log } = open()
  told.pipeInput('a', { type: 'completed', job: 'j' })
  told.pipeInput('b', { type: 'completed', job: 'j' }, { timestamp: 1e13 })
  told.pipeInput('b', { type: 'completed', job: 'j' }, { timestamp: 1 })
  expect(log.get(pushKey('a', 1))).toBeDefined()
  expect(log.get(pushKey('b', 2))).toBeDefined()
})

test('numbers of a channel that has told its end are forgotten with its events, others after a week', async () => {
  const { driver, told, pushed } = open({ retentionMs: DAY_MS })
  told.pipeInput('ended', { type: 'completed', job: 'j' })
  told.pipeInput('open', { type: 'started', job: 'j' })
  await driver.advance(DAY_MS + 1)
  const numbersOf = driver.getKeyValueStore<string, object>('push-numbers')
  await driver.advance(6 * DAY_MS - 10)
  expect([numbersOf.get('ended'), numbersOf.get('open')]).toEqual([
    undefined,
    expect.objectContaining({ seq: 1 }),
  ])
  told.pipeInput('open', { type: 'completed', job: 'j' })
  expect(numbers(pushed.readRecords())).toEqual(['ended1', 'open1', 'open2'])
  await driver.advance(8 * DAY_MS)
  expect(numbersOf.get('open')).toBeUndefined()
})

test.each([
  ['retentionMs', 59_999],
  ['eventsMax', 0],
  ['partitionCount', 1.5],
] as const)('%s of %d is refused', (option, value) => {
  expect(() => pushTopology({ [option]: value })).toThrow(`${option} of toChannels "push" is ${value}`)
})

test('a callback that returns a promise is refused', () => {
  const { told } = open({ terminal: (async () => true) as unknown as () => boolean })
  expect(() => told.pipeInput('a', { type: 'started', job: 'j' })).toThrow(
    'terminal of toChannels (node "push-channel") returned a promise',
  )
})

test('two streams may have channels of their own', () => {
  const builder = new StreamsBuilder()
  const text = { keySerde: serdes.string(), valueSerde: serdes.string() }
  const stream = builder.stream<string, string>('in', text)
  stream.toChannels({ name: 'one', terminal: () => false })
  stream.toChannels({ name: 'two', terminal: () => false })
  const driver = new TopologyTestDriver(builder.build())
  driver.createInputTopic('in', text).pipeInput('k', 'v')
  expect(driver.producedTopicNames()).toEqual(
    expect.arrayContaining(['test-application-one', 'test-application-two']),
  )
})
