import { Buffer } from 'node:buffer'
import { describe, expect, it } from 'vitest'
import {
  exponentialBackoff,
  NonRetriableError,
  serdes,
  StreamsBuilder,
  timeWindows,
  type AsyncCall,
} from '../../lib/index.ts'
import { atPresent } from '../../lib/processor/letter.ts'
import { TopologyTestDriver } from '../../lib/testing.ts'
import { runCharge } from '../support/charging.ts'

const strings = { keySerde: serdes.string(), valueSerde: serdes.string() }
const MINUTE_MS = 60_000

const doubling = exponentialBackoff({ firstMs: 1_000, maxMs: 3_600_000, jitter: 0 })

describe('replay of dead letters', () => {
  it('a replayed letter is processed in its place, with its key, its time and its headers', async () => {
    const seen: AsyncCall[] = []
    let isMended = false
    const builder = new StreamsBuilder()
    builder
      .stream<string, string>('in', strings)
      .mapValues(value => value.toUpperCase())
      .flatMapValues(value => [value, `${value}2`])
      .mapValuesAsync(
        async (value, _key, call) => {
          seen.push(call)
          if (!isMended && value === 'A2') throw new NonRetriableError('no')
          return `${value}!`
        },
        { name: 'charge', retry: { backoff: doubling, attempts: 3 }, ...strings },
      )
      .to('out', strings)
    using driver = new TopologyTestDriver(builder.build())
    driver.pipeRecord({
      topic: 'in',
      partition: 0,
      key: Buffer.from('k'),
      value: Buffer.from('a'),
      timestamp: 77,
      headers: [{ key: 'trace', value: Buffer.from('t1') }],
    })
    await driver.settled()
    const [letter] = driver.letters('charge')
    expect(letter).toMatchObject({
      id: 'in-0-0-1',
      value: Buffer.from('a'),
      input: { value: Buffer.from('A2') },
    })
    isMended = true
    expect(driver.replay('charge')).toBe(1)
    await driver.settled()
    const output = driver.createOutputTopic('out', strings)
    expect(
      output.readRecords().map(({ value, timestamp, headers }) => ({
        value,
        timestamp,
        names: headers.map(({ key }) => key),
      })),
    ).toEqual([
      { value: 'A!', timestamp: 77, names: ['trace'] },
      { value: 'A2!', timestamp: 77, names: ['trace'] },
    ])
    const [, failed, again] = seen
    expect(again).toMatchObject({
      idempotencyKey: 'in-0-0-1',
      attempt: 1,
      topic: 'in',
      partition: 0,
      offset: 0,
      timestamp: 77,
    })
    expect(again?.idempotencyKey).toBe(failed?.idempotencyKey)
    // Replayed once: nothing is left.
    expect(driver.replay('charge')).toBe(0)
    expect(driver.replay('charge', { force: true })).toBe(1)
    await driver.settled()
    expect(seen).toHaveLength(4)
  })

  it('a replayed letter that fails again is a letter again, of the same record', async () => {
    const { provider, driver, input } = runCharge({ backoff: doubling, attempts: 2 })
    provider.judge = () => {
      throw new Error('down')
    }
    input.pipeInput('k', 'v')
    await driver.advance(MINUTE_MS)
    driver.replay('charge')
    await driver.advance(MINUTE_MS)
    const letters = driver.letters('charge')
    expect(letters.map(({ id, attempts, headers }) => ({ id, attempts, headers }))).toEqual([
      { id: 'in-0-0', attempts: 2, headers: [] },
      { id: 'in-0-0', attempts: 2, headers: [] },
    ])
    expect(provider.timesOf('k')).toEqual([0, 1_000, 60_000, 61_000])
    expect(driver.replay('charge')).toBe(1)
  })

  it('a record in the replay topic that is no letter is dropped, and counted', async () => {
    const { provider, driver, input, output } = runCharge({ backoff: doubling, attempts: 2 })
    driver.pipeRecord({
      topic: 'test-application-charge-replay',
      partition: 0,
      key: null,
      value: Buffer.from('x'),
      timestamp: 0,
      headers: [],
    })
    input.pipeInput('k', 'v')
    await driver.settled()
    expect(output()).toEqual(['k=v!'])
    expect(provider.calls).toHaveLength(1)
    expect(driver.metricTotal('dropped-records-total')).toBe(1)
  })

  it('a replayed record of a key that waits joins the end of its lane', async () => {
    const { provider, driver, input, output } = runCharge({ backoff: doubling, attempts: 5 })
    provider.judge = (_key, value, attempt) => {
      if (value === 'hopeless' && driver.letters('charge').length === 0) throw new NonRetriableError('no')
      if (value === 'slow' && attempt < 3) throw new Error('down')
    }
    input.pipeInput('k', 'hopeless')
    input.pipeInput('k', 'slow')
    await driver.settled()
    driver.replay('charge')
    await driver.advance(MINUTE_MS)
    expect(output()).toEqual(['k=slow!', 'k=hopeless!'])
  })

  it('two operators in a row: each has letters of its own, with the source bytes, and takes them itself', async () => {
    let isMended = false
    const called = { first: 0, second: 0 }
    const builder = new StreamsBuilder()
    const retry = { backoff: doubling, attempts: 1 }
    builder
      .stream<string, string>('in', strings)
      .mapValuesAsync(
        async value => {
          called.first += 1
          return `${value}-first`
        },
        { name: 'first', retry, ...strings },
      )
      .mapValuesAsync(
        async value => {
          called.second += 1
          if (!isMended) throw new Error('down')
          return `${value}-second`
        },
        { name: 'second', retry, ...strings },
      )
      .to('out', strings)
    using driver = new TopologyTestDriver(builder.build())
    driver.createInputTopic('in', strings).pipeInput('k', 'v')
    await driver.settled()
    expect(driver.letters('first')).toEqual([])
    const [letter] = driver.letters('second')
    expect(letter).toMatchObject({
      operator: 'second',
      topic: 'in',
      value: Buffer.from('v'),
      input: { value: Buffer.from('v-first') },
    })
    isMended = true
    driver.replay('second')
    await driver.settled()
    expect(driver.createOutputTopic('out', strings).readKeyValues()).toEqual([['k', 'v-first-second']])
    expect(called).toEqual({ first: 1, second: 2 })
  })

  it('a windowed count behind the operator takes a replayed record for late, unless it gets the present time', async () => {
    let isMended = false
    const builder = new StreamsBuilder()
    builder
      .stream<string, string>('in', strings)
      .mapValuesAsync(
        async value => {
          if (value === 'bad' && !isMended) throw new NonRetriableError('no')
          return value
        },
        { name: 'charge', retry: { backoff: doubling, attempts: 1 }, ...strings },
      )
      .groupByKey(strings)
      .windowedBy(timeWindows({ sizeMs: 1_000, graceMs: 0 }))
      .count({ storeName: 'counts' })
    using driver = new TopologyTestDriver(builder.build())
    const input = driver.createInputTopic('in', strings)
    input.pipeInput('k', 'bad', { timestamp: 0 })
    input.pipeInput('k', 'good', { timestamp: 5_000 })
    await driver.settled()
    isMended = true
    const [record] = driver.producedRecords('test-application-charge-dlq')
    const topic = 'test-application-charge-replay'
    driver.pipeRecord({ ...record!, topic })
    await driver.settled()
    expect(driver.metricTotal('dropped-records-total')).toBe(1)
    driver.pipeRecord({ ...record!, topic, headers: atPresent(record!.headers, 5_500) })
    await driver.settled()
    expect(driver.metricTotal('dropped-records-total')).toBe(1)
    const counts = driver.windowStore<string, number>('counts')
    expect([...counts.fetch('k', { fromMs: 0, toMs: 10_000 })]).toEqual([[5_000, 2]])
  })

  describe("onGiveUp 'key'", () => {
    const policy = { backoff: doubling, attempts: 2, onGiveUp: 'key' } as const

    it('gives up the records behind it, in order, and those that come later, until it is replayed', async () => {
      const { provider, driver, input, output } = runCharge(policy)
      let isMended = false
      provider.judge = (_key, value) => {
        if (value === 'a1' && !isMended) throw new Error('declined')
      }
      for (const [key, value] of [
        ['a', 'a1'],
        ['a', 'a2'],
        ['b', 'b1'],
        ['a', 'a3'],
      ] as const)
        input.pipeInput(key, value)
      await driver.advance(MINUTE_MS)
      input.pipeInput('a', 'a4')
      input.pipeInput('b', 'b2')
      await driver.settled()
      expect(output()).toEqual(['b=b1!', 'b=b2!'])
      const letters = driver.letters('charge')
      expect(letters.map(({ value, reason, attempts }) => `${String(value)} ${reason} ${attempts}`)).toEqual([
        'a1 gave-up 2',
        'a2 behind 0',
        'a3 behind 0',
        'a4 behind 0',
      ])
      expect(letters[1]?.lastError).toEqual({
        name: 'BehindError',
        message: 'record in-0-0 of this key was given up before',
      })
      expect(driver.metricTotal('retry-parked-records')).toBe(0)
      isMended = true
      expect(driver.replay('charge')).toBe(4)
      input.pipeInput('a', 'a5')
      await driver.settled()
      expect(output()).toEqual(['a=a1!', 'a=a2!', 'a=a3!', 'a=a4!', 'a=a5!'])
    })

    it('is refused where no record waits for another', () => {
      expect(() => runCharge({ ...policy, order: 'none' })).toThrow(
        "retry.onGiveUp is 'key', and retry.order 'none'",
      )
      expect(() => runCharge({ ...policy, onGiveUp: 'all' as never })).toThrow('retry.onGiveUp is all')
    })
  })
})
