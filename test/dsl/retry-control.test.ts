import { describe, expect, it } from 'vitest'
import { fixedBackoff, NonRetriableError, serdes, StreamsBuilder } from '../../lib/index.ts'
import { decodeEvent } from '../../lib/store/operator/control-command.ts'
import { TopologyTestDriver } from '../../lib/testing.ts'
import { runCharge, type Provider } from '../support/charging.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const retry = { backoff: fixedBackoff({ delayMs: 10 * MINUTE_MS }), attempts: 5 }
const strings = { keySerde: serdes.string(), valueSerde: serdes.string() }

const failing =
  (...values: string[]) =>
  (_key: string, value: string) => {
    if (values.includes(value)) throw new Error(`not ${value}`)
  }

/** Makes calls wait until the returned function lets them go. */
function hold(provider: Provider): () => void {
  let letGo = () => undefined as void
  provider.gate = new Promise(resolve => (letGo = resolve))
  return () => letGo()
}

/** Events that tasks have written, as `do letter became`. */
function effects(driver: TopologyTestDriver): string[] {
  return driver.producedRecords('test-application-control-audit').map(({ value }) => {
    const { do: action, effect } = decodeEvent(value!)!
    return `${action} ${effect?.letter} ${effect?.became}`
  })
}

/** Keys of commands that tasks have taken back. */
function takenBack(driver: TopologyTestDriver): string[] {
  const records = driver.producedRecords('test-application-control')
  expect(records.every(({ value }) => value === null)).toBe(true)
  return records.map(({ key }) => Buffer.from(key!).toString())
}

describe('pause', () => {
  it('of an operator: nothing is called, all of it waits, and goes on in order when resumed', async () => {
    const { provider, driver, input, output } = runCharge(retry)
    driver.control.pause({ operator: 'charge' }, { reason: 'fraud check', by: 'ada' })
    for (const [key, value] of [
      ['a', 'a1'],
      ['b', 'b1'],
      ['a', 'a2'],
    ] as const)
      input.pipeInput(key, value)
    await driver.advance(HOUR_MS)
    expect(provider.calls).toEqual([])
    expect(driver.metricTotal('retry-paused-records')).toBe(2)
    expect(driver.metricTotal('retry-parked-records')).toBe(3)
    driver.control.resume({ operator: 'charge' })
    await driver.settled()
    expect(output()).toEqual(['a=a1!', 'b=b1!', 'a=a2!'])
    expect(driver.metricTotal('retry-paused-records')).toBe(0)
  })

  it('of a key, order key: its head waits with those behind it, others flow', async () => {
    const { provider, driver, input, output } = runCharge(retry)
    driver.control.pause({ operator: 'charge', key: 'a' })
    for (const [key, value] of [
      ['a', 'a1'],
      ['a', 'a2'],
      ['b', 'b1'],
    ] as const)
      input.pipeInput(key, value)
    await driver.settled()
    expect(output()).toEqual(['b=b1!'])
    driver.control.resume({ operator: 'charge', key: 'a' })
    await driver.settled()
    expect(output()).toEqual(['a=a1!', 'a=a2!'])
    expect(provider.calls).toHaveLength(3)
  })

  it('of a key, order none: each of its records waits', async () => {
    const { driver, input, output } = runCharge({ ...retry, order: 'none' })
    driver.control.pause({ operator: 'charge', key: 'a' })
    for (const [key, value] of [
      ['a', 'a1'],
      ['b', 'b1'],
      ['a', 'a2'],
    ] as const)
      input.pipeInput(key, value)
    await driver.settled()
    expect(output()).toEqual(['b=b1!'])
    expect(driver.metricTotal('retry-paused-records')).toBe(2)
    driver.control.resume({ operator: 'charge', key: 'a' })
    await driver.settled()
    expect(output()).toEqual(['a=a1!', 'a=a2!'])
  })

  it('of a key, order partition: the head holds its task', async () => {
    const { driver, input, output } = runCharge({ ...retry, order: 'partition' }, { concurrency: 2 })
    driver.control.pause({ operator: 'charge', key: 'b' })
    for (const key of ['a', 'b', 'c']) input.pipeInput(key, `${key}1`)
    await driver.settled()
    expect(output()).toEqual(['a=a1!'])
    driver.control.resume({ operator: 'charge', key: 'b' })
    await driver.settled()
    expect(output()).toEqual(['b=b1!', 'c=c1!'])
  })

  it('of a partition: that of the task, and no other', async () => {
    const { driver, input, output } = runCharge(retry)
    driver.control.pause({ operator: 'charge', partition: 1 })
    input.pipeInput('a', 'a1')
    await driver.settled()
    expect(output()).toEqual(['a=a1!'])
    driver.control.pause({ operator: 'charge', partition: 0 })
    input.pipeInput('a', 'a2')
    await driver.settled()
    expect(output()).toEqual([])
  })

  it('while a call is under way: it ends, and what has failed stays', async () => {
    const { provider, driver, input, output } = runCharge(retry)
    provider.judge = (_key, value) => {
      if (value === 'a1' && provider.calls.length === 1) throw new Error('down')
    }
    const letGo = hold(provider)
    input.pipeInput('a', 'a1')
    await driver.advance(0)
    driver.control.pause({ operator: 'charge', key: 'a' })
    letGo()
    await driver.advance(HOUR_MS)
    expect(provider.timesOf('a')).toEqual([0])
    expect(driver.letters('charge')).toEqual([])
    driver.control.resume({ operator: 'charge', key: 'a' })
    await driver.settled()
    expect(provider.timesOf('a')).toEqual([0, HOUR_MS])
    expect(output()).toEqual(['a=a1!'])
  })

  it('resumed before its time: what is parked waits for its time still', async () => {
    const { provider, driver, input } = runCharge(retry)
    provider.judge = failing('a1')
    input.pipeInput('a', 'a1')
    await driver.settled()
    driver.control.pause({ operator: 'charge', key: 'a' })
    await driver.advance(MINUTE_MS)
    driver.control.resume({ operator: 'charge', key: 'a' })
    await driver.advance(9 * MINUTE_MS)
    expect(provider.timesOf('a')).toEqual([0, 10 * MINUTE_MS])
  })

  it('bounds hold: a paused operator takes in parkedMax, and goes on with the rest', async () => {
    const { driver, input, output } = runCharge({ ...retry, parkedMax: 3 })
    driver.control.pause({ operator: 'charge' })
    for (let at = 0; at < 10; at += 1) input.pipeInput(`k${at}`, 'v')
    await driver.settled()
    expect(driver.metricTotal('retry-paused-records')).toBe(3)
    driver.control.resume({ operator: 'charge' })
    await driver.settled()
    expect(output()).toHaveLength(10)
  })
})

describe('ignore', () => {
  it('makes letters of what has failed and waits, calls those behind it, and gives up what fails from now on', async () => {
    const { provider, driver, input, output } = runCharge(retry)
    provider.judge = failing('a1', 'a3')
    for (const value of ['a1', 'a2', 'a3']) input.pipeInput('a', value)
    input.pipeInput('b', 'b1')
    await driver.settled()
    expect(output()).toEqual(['b=b1!'])
    driver.control.ignore({ operator: 'charge', key: 'a' }, { reason: 'test cards', by: 'ada' })
    await driver.settled()
    expect(output()).toEqual(['a=a2!'])
    expect(driver.letters('charge')).toMatchObject([
      { id: 'in-0-0', reason: 'ignored', attempts: 1, lastError: { message: 'not a1' } },
      { id: 'in-0-2', reason: 'ignored', attempts: 1, lastError: { message: 'not a3' } },
    ])
    expect(effects(driver)).toEqual(['ignore in-0-0 letter', 'ignore in-0-2 letter'])
    // It is in effect until it is taken back.
    expect(takenBack(driver)).toEqual([])
    driver.control.resume({ operator: 'charge', key: 'a' })
    input.pipeInput('a', 'a1')
    await driver.settled()
    expect(driver.letters('charge')).toHaveLength(2)
    expect(driver.metricTotal('retry-parked-records')).toBe(1)
  })

  it.each(['key', 'none', 'partition'] as const)('of an operator, order %s', async order => {
    const { provider, driver, input, output } = runCharge({ ...retry, order })
    provider.judge = failing('a1')
    driver.control.ignore({ operator: 'charge' })
    for (const [key, value] of [
      ['a', 'a1'],
      ['b', 'b1'],
    ] as const)
      input.pipeInput(key, value)
    await driver.settled()
    expect(driver.letters('charge')).toMatchObject([{ reason: 'ignored' }])
    expect(output()).toEqual(['b=b1!'])
  })

  it('leaves the reason of an error that says never', async () => {
    const { provider, driver, input } = runCharge(retry)
    provider.judge = () => {
      throw new NonRetriableError('stolen')
    }
    driver.control.ignore({ operator: 'charge' })
    input.pipeInput('a', 'a1')
    await driver.settled()
    expect(driver.letters('charge')).toMatchObject([{ reason: 'non-retriable' }])
    expect(effects(driver)).toEqual([])
  })

  it('closes no key under onGiveUp key', async () => {
    const { provider, driver, input, output } = runCharge({ ...retry, onGiveUp: 'key' })
    provider.judge = failing('a1')
    driver.control.ignore({ operator: 'charge' })
    for (const value of ['a1', 'a2']) input.pipeInput('a', value)
    await driver.settled()
    expect(output()).toEqual(['a=a2!'])
  })
})

describe('skip', () => {
  it.each([
    ['parked', 'in-0-0', ['a=a2!', 'a=a3!']],
    ['behind', 'in-0-1', ['a=a3!']],
  ])(
    'a record that is %s: a letter without another call, and its followers go on',
    async (_place, letter, out) => {
      const { provider, driver, input, output } = runCharge(retry)
      provider.judge = failing('a1')
      for (const value of ['a1', 'a2', 'a3']) input.pipeInput('a', value)
      await driver.settled()
      expect(provider.calls).toHaveLength(1)
      driver.control.skip({ operator: 'charge', letter }, { reason: 'typo', by: 'ada' })
      await driver.settled()
      const attempts = letter === 'in-0-0' ? 1 : 0
      expect(driver.letters('charge')).toMatchObject([{ id: letter, reason: 'skipped', attempts }])
      expect(effects(driver)).toEqual([`skip ${letter} letter`])
      expect(takenBack(driver)).toEqual([`charge/letter/${letter}`])
      // The head is mended, for what is behind it.
      provider.judge = () => undefined
      await driver.advance(HOUR_MS)
      expect(output().filter(each => each !== 'a=a1!')).toEqual(out)
      expect(provider.calls.filter(({ value }) => value === `a${Number(letter.at(-1)) + 1}`)).toHaveLength(
        attempts,
      )
    },
  )

  it.each(['key', 'none', 'partition'] as const)('a record that is paused, order %s', async order => {
    const { provider, driver, input, output } = runCharge({ ...retry, order })
    driver.control.pause({ operator: 'charge' })
    for (const value of ['a1', 'a2']) input.pipeInput('a', value)
    await driver.settled()
    driver.control.skip({ operator: 'charge', letter: 'in-0-0' }, { reason: 'typo', by: 'ada' })
    await driver.settled()
    expect(driver.letters('charge')).toMatchObject([
      {
        id: 'in-0-0',
        reason: 'skipped',
        attempts: 0,
        lastError: { name: 'SkippedError', message: 'by ada: typo' },
      },
    ])
    expect(provider.calls).toEqual([])
    driver.control.resume({ operator: 'charge' })
    await driver.settled()
    expect(output()).toEqual(['a=a2!'])
  })

  it('a record that is ready, and one that is still to come', async () => {
    const { driver, input, output } = runCharge(retry, { concurrency: 1 })
    driver.control.skip({ operator: 'charge', letter: 'in-0-2' })
    for (const key of ['a', 'b', 'c', 'd']) input.pipeInput(key, key)
    driver.control.skip({ operator: 'charge', letter: 'in-0-1' })
    await driver.settled()
    expect(output()).toEqual(['a=a!', 'd=d!'])
    expect(driver.letters('charge').map(({ id }) => id)).toEqual(['in-0-1', 'in-0-2'])
  })

  it('while its call is under way: failure becomes the letter', async () => {
    const { provider, driver, input, output } = runCharge(retry)
    provider.judge = failing('a1')
    const letGo = hold(provider)
    for (const value of ['a1', 'a2']) input.pipeInput('a', value)
    await driver.advance(0)
    driver.control.skip({ operator: 'charge', letter: 'in-0-0' })
    expect(driver.letters('charge')).toEqual([])
    letGo()
    await driver.settled()
    expect(driver.letters('charge')).toMatchObject([
      { id: 'in-0-0', reason: 'skipped', attempts: 1, lastError: { message: 'not a1' } },
    ])
    expect(output()).toEqual(['a=a2!'])
    expect(effects(driver)).toEqual(['skip in-0-0 letter'])
  })

  it('while its call is under way: success counts as success', async () => {
    const { provider, driver, input, output } = runCharge(retry)
    const letGo = hold(provider)
    input.pipeInput('a', 'a1')
    await driver.advance(0)
    driver.control.skip({ operator: 'charge', letter: 'in-0-0' })
    letGo()
    await driver.settled()
    expect(driver.letters('charge')).toEqual([])
    expect(output()).toEqual(['a=a1!'])
    expect(effects(driver)).toEqual(['skip in-0-0 output'])
    expect(takenBack(driver)).toEqual(['charge/letter/in-0-0'])
  })

  it('twice, or of a record that has left: nothing more', async () => {
    const { provider, driver, input } = runCharge(retry)
    provider.judge = failing('a1')
    input.pipeInput('a', 'a1')
    await driver.settled()
    const skip = () => driver.control.skip({ operator: 'charge', letter: 'in-0-0' })
    skip()
    skip()
    await driver.settled()
    skip()
    await driver.advance(HOUR_MS)
    expect(driver.letters('charge')).toHaveLength(1)
    expect(effects(driver)).toHaveLength(1)
  })

  it('closes no key under onGiveUp key', async () => {
    const { provider, driver, input, output } = runCharge({ ...retry, onGiveUp: 'key' })
    provider.judge = failing('a1')
    for (const value of ['a1', 'a2']) input.pipeInput('a', value)
    driver.control.skip({ operator: 'charge', letter: 'in-0-0' })
    await driver.settled()
    expect(output()).toEqual(['a=a2!'])
  })
})

it('the most specific command wins: record, key, partition, operator', async () => {
  const { provider, driver, input, output } = runCharge(retry)
  provider.judge = failing('b1', 'c1')
  driver.control.ignore({ operator: 'charge' })
  driver.control.pause({ operator: 'charge', partition: 0 })
  driver.control.ignore({ operator: 'charge', key: 'b' })
  driver.control.ignore({ operator: 'charge', key: 'd' })
  for (const key of ['a', 'b', 'c', 'd']) input.pipeInput(key, `${key}1`)
  driver.control.skip({ operator: 'charge', letter: 'in-0-2' })
  await driver.settled()
  expect(output()).toEqual(['d=d1!'])
  expect(
    driver
      .letters('charge')
      .map(({ id, reason }) => `${id} ${reason}`)
      .sort(),
  ).toEqual(['in-0-1 ignored', 'in-0-2 skipped'])
  expect(driver.metricTotal('retry-paused-records')).toBe(1)
  // Without the word about the partition, that about the operator is left: it lets calls be made.
  driver.control.resume({ operator: 'charge', partition: 0 })
  await driver.settled()
  expect(output()).toEqual(['a=a1!'])
})

it('control of an operator above one that is full is not held up by it', async () => {
  const builder = new StreamsBuilder()
  builder
    .stream<string, string>('in', strings)
    .mapValuesAsync(
      async value => {
        if (value === 'bad') throw new Error('bad')
        return value
      },
      { ...strings, name: 'upper', retry },
    )
    .mapValuesAsync(async value => value, { ...strings, name: 'lower', retry: { ...retry, parkedMax: 1 } })
    .to('out', strings)
  using driver = new TopologyTestDriver(builder.build())
  const input = driver.createInputTopic('in', strings)
  driver.control.pause({ operator: 'lower' })
  for (const value of ['bad', 'one', 'two', 'three']) input.pipeInput(value, value)
  await driver.advance(0)
  // `lower` is full, and takes no outputs of `upper`.
  expect(driver.metricTotal('retry-paused-records')).toBe(1)
  driver.control.skip({ operator: 'upper', letter: 'in-0-0' })
  await driver.advance(0)
  expect(driver.letters('upper')).toMatchObject([{ reason: 'skipped' }])
})

it('a record that is no command is told and counted, and ends nothing', async () => {
  const { driver, input, output } = runCharge(retry)
  const pipe = (key: string | null, value: string) =>
    driver.pipeRecord({
      topic: 'test-application-control',
      partition: 0,
      key: key === null ? null : Buffer.from(key),
      value: Buffer.from(value),
      timestamp: 0,
      headers: [],
    })
  pipe('charge', 'pause, please')
  pipe('charge', '{"v":2,"do":"pause"}')
  pipe('charge', '{"v":1,"do":"skip"}')
  pipe('charge/letter/in-0-0', '{"v":1,"do":"pause"}')
  pipe('charge/key/%', '{"v":1,"do":"pause"}')
  pipe(null, '{"v":1,"do":"pause"}')
  input.pipeInput('a', 'a1')
  await driver.settled()
  expect(output()).toEqual(['a=a1!'])
  expect(driver.metricTotal('control-unreadable-total')).toBe(6)
})

it('control of an operator that is not there, of a partition and a key at once', () => {
  const { driver } = runCharge(retry)
  expect(() => driver.control.pause({ operator: 'chrage' })).toThrow('did you mean charge?')
  expect(() => driver.control.pause({ operator: 'charge', partition: 0, key: 'a' })).toThrow(
    'give one of them',
  )
})

it('numbers of sub-topologies and generated names are the same without and with retry: control comes last', () => {
  const plan = (isRetried: boolean) => {
    const builder = new StreamsBuilder()
    builder
      .stream<string, string>('in', strings)
      .mapValuesAsync(async value => value, { name: 'charge', ...(isRetried && { retry }) })
      .to('out', strings)
    builder.globalTable('names', { ...strings, storeName: 'all-names' })
    builder.stream<string, string>('control', strings).groupByKey().count().toStream().to('counts')
    return builder.build().plan('app')
  }
  const ids = (isRetried: boolean) => {
    const { subtopologies, globalSubtopologies } = plan(isRetried)
    return [...subtopologies, ...globalSubtopologies].map(({ id, stores, sourceTopics }) => ({
      id,
      stores: stores.map(({ builder }) => builder.name),
      topics: sourceTopics.filter(topic => topic !== 'app-charge-replay'),
    }))
  }
  const control = { id: 3, stores: ['millrace-control'], topics: ['app-control'] }
  expect(ids(true)).toEqual([...ids(false), control])
  expect(ids(false).flatMap(({ topics }) => topics)).toContain('control')
})
