import { Buffer } from 'node:buffer'
import { describe, expect, it } from 'vitest'
import {
  exponentialBackoff,
  fixedBackoff,
  NonRetriableError,
  RetryAfterError,
  serdes,
  StreamsBuilder,
  type RetryOptions,
} from '../../lib/index.ts'
import { AnchorPlan } from '../../lib/runtime/plan/anchor-plan.ts'
import { countPartitions } from '../../lib/runtime/plan/partition-counts.ts'
import { TopologyTestDriver } from '../../lib/testing.ts'
import type { TopologyPlan } from '../../lib/topology/plan.ts'
import { runCharge } from '../support/charging.ts'

const strings = { keySerde: serdes.string(), valueSerde: serdes.string() }
const MINUTE_MS = 60_000

const doubling = exponentialBackoff({ firstMs: 1_000, maxMs: 3_600_000, jitter: 0 })

describe('retry', () => {
  it('calls again to the millisecond, and gives up with a letter of the source bytes', async () => {
    const { provider, driver, input, output } = runCharge({ backoff: doubling, attempts: 4 })
    provider.judge = key => {
      if (key === 'bad') throw new Error('declined')
    }
    input.pipeInput('bad', 'a')
    input.pipeInput('good', 'b')
    await driver.advance(10 * MINUTE_MS)
    expect(provider.timesOf('bad')).toEqual([0, 1_000, 3_000, 7_000])
    expect(provider.calls.map(({ attempt }) => attempt)).toEqual([1, 1, 2, 3, 4])
    expect(output()).toEqual(['good=b!'])
    const [letter, ...others] = driver.letters('charge')
    expect(others).toEqual([])
    expect(letter).toMatchObject({
      id: 'in-0-0',
      operator: 'charge',
      reason: 'gave-up',
      attempts: 4,
      firstFailedMs: 0,
      lastFailedMs: 7_000,
      firstError: { name: 'Error', message: 'declined' },
      topic: 'in',
      partition: 0,
      offset: 0,
      key: Buffer.from('bad'),
      value: Buffer.from('a'),
    })
    expect(driver.metricTotal('dead-letters-total')).toBe(1)
    expect(driver.metricTotal('retry-parked-records')).toBe(0)
  })

  it('order key: parks the key with those behind it, in order, while others flow', async () => {
    const { provider, driver, input, output } = runCharge({ backoff: doubling, attempts: 10 })
    provider.judge = (key, value, attempt) => {
      if (value === 'a1' && attempt < 3) throw new Error('down')
    }
    for (const [key, value] of [
      ['a', 'a1'],
      ['b', 'b1'],
      ['a', 'a2'],
      ['b', 'b2'],
      ['a', 'a3'],
    ] as const)
      input.pipeInput(key, value)
    await driver.settled()
    expect(output()).toEqual(['b=b1!', 'b=b2!'])
    expect(driver.metricTotal('retry-parked-records')).toBe(3)
    await driver.advance(2_999)
    expect(output()).toEqual([])
    await driver.advance(1)
    expect(output()).toEqual(['a=a1!', 'a=a2!', 'a=a3!'])
    expect(provider.effects).toEqual(['b=b1', 'b=b2', 'a=a1', 'a=a2', 'a=a3'])
  })

  it('order none: later records of the key overtake', async () => {
    const { provider, driver, input, output } = runCharge({ order: 'none', backoff: doubling, attempts: 3 })
    provider.judge = (_key, value, attempt) => {
      if (value === 'a1' && attempt === 1) throw new Error('down')
    }
    input.pipeInput('a', 'a1')
    input.pipeInput('a', 'a2')
    await driver.advance(MINUTE_MS)
    expect(output()).toEqual(['a=a2!', 'a=a1!'])
  })

  it('order partition: one call at a time, and what is behind a failure waits in its topic', async () => {
    const { provider, driver, input, output } = runCharge(
      { order: 'partition', backoff: doubling, attempts: 3 },
      { concurrency: 2 },
    )
    provider.judge = (_key, value, attempt) => {
      if (value === 'a1' && attempt === 1) throw new Error('down')
    }
    for (const [key, value] of [
      ['a', 'a1'],
      ['b', 'b1'],
      ['c', 'c1'],
    ] as const)
      input.pipeInput(key, value)
    await driver.advance(999)
    expect(provider.calls).toHaveLength(1)
    expect(output()).toEqual([])
    await driver.advance(1)
    expect(provider.effects).toEqual(['a=a1', 'b=b1', 'c=c1'])
    expect(output()).toEqual(['a=a1!', 'b=b1!', 'c=c1!'])
  })

  it('errors say what they mean: never, later, or as onError says', async () => {
    const { provider, driver, input } = runCharge({
      backoff: doubling,
      attempts: 5,
      onError: error => {
        if (error instanceof RangeError) return 'dead-letter'
        return error instanceof SyntaxError ? { retryAfterMs: 5_000 } : 'retry'
      },
    })
    provider.judge = key => {
      if (key === 'range') throw new RangeError('no such plan')
      if (key === 'syntax') throw new SyntaxError('too many requests')
    }
    input.pipeInput('range', 'x')
    input.pipeInput('syntax', 'x')
    await driver.advance(5_000)
    expect(driver.letters('charge')).toMatchObject([{ reason: 'non-retriable', attempts: 1 }])
    expect(provider.timesOf('syntax')).toEqual([0, 5_000])
  })

  it('classes of errors without onError', async () => {
    const { provider, driver, input } = runCharge({ backoff: doubling, attempts: 5 })
    provider.judge = (key, _value, attempt) => {
      if (key === 'never') throw new NonRetriableError('card is stolen')
      if (attempt === 1) throw new RetryAfterError(10_000)
    }
    input.pipeInput('never', 'x')
    input.pipeInput('later', 'x')
    await driver.advance(MINUTE_MS)
    expect(driver.letters('charge')).toMatchObject([
      { reason: 'non-retriable', lastError: { name: 'NonRetriableError', message: 'card is stolen' } },
    ])
    expect(provider.timesOf('later')).toEqual([0, 10_000])
  })

  it('giveUpAfterMs: the last call is made when it is over', async () => {
    const { provider, driver, input } = runCharge({
      backoff: fixedBackoff({ delayMs: 4_000 }),
      giveUpAfterMs: 10_000,
    })
    provider.judge = () => {
      throw new Error('down')
    }
    input.pipeInput('a', 'x')
    await driver.advance(MINUTE_MS)
    expect(provider.timesOf('a')).toEqual([0, 4_000, 8_000, 10_000])
    expect(driver.letters('charge')).toMatchObject([{ reason: 'gave-up', attempts: 4 }])
  })

  it('circuit: an outage costs no attempts, and is probed one call at a time', async () => {
    const { provider, driver, input, output } = runCharge(
      {
        backoff: fixedBackoff({ delayMs: 1_000 }),
        attempts: 2,
        circuit: { openAfter: 3, probeEveryMs: 10_000 },
      },
      { concurrency: 20 },
    )
    let isDown = true
    provider.judge = () => {
      if (isDown) throw new Error('down')
    }
    for (let user = 0; user < 10; user += 1) input.pipeInput(`u${user}`, 'x')
    await driver.advance(10 * MINUTE_MS)
    expect(driver.metricTotal('retry-circuit-open')).toBe(1)
    expect(driver.letters('charge')).toEqual([])
    // Ten at once, then one each ten seconds.
    expect(provider.calls).toHaveLength(10 + 60)
    isDown = false
    await driver.advance(MINUTE_MS)
    expect(driver.metricTotal('retry-circuit-open')).toBe(0)
    expect(output()).toHaveLength(10)
    expect(driver.letters('charge')).toEqual([])
  })

  it('a call that takes too long has failed, and is made again', async () => {
    let calls = 0
    const hanging = (value: string) => {
      calls += 1
      return calls === 1 ? new Promise<string>(() => undefined) : Promise.resolve(`${value}!`)
    }
    const builder = new StreamsBuilder()
    builder
      .stream<string, string>('in', strings)
      .mapValuesAsync(hanging, { name: 'charge', timeoutMs: 500, retry: { backoff: doubling, attempts: 3 } })
      .to('out', strings)
    using driver = new TopologyTestDriver(builder.build())
    const output = driver.createOutputTopic('out', strings)
    driver.createInputTopic('in', strings).pipeInput('a', 'x')
    await driver.advance(1_499)
    expect(driver.metricTotal('async-timeouts-total')).toBe(1)
    expect(output.readKeyValues()).toEqual([])
    await driver.advance(1)
    expect(output.readKeyValues()).toEqual([['a', 'x!']])
  })

  it('many that fail at once are spread by jitter, the same in every run', async () => {
    const times = async () => {
      const { provider, driver, input } = runCharge(
        { backoff: exponentialBackoff({ firstMs: 10_000, jitter: 0.5 }), attempts: 2 },
        { concurrency: 1_000 },
      )
      provider.judge = (_key, _value, attempt) => {
        if (attempt === 1) throw new Error('down')
      }
      for (let user = 0; user < 200; user += 1) input.pipeInput(`u${user}`, 'x')
      await driver.advance(MINUTE_MS)
      return provider.calls.filter(({ attempt }) => attempt === 2).map(({ key, atMs }) => `${key}@${atMs}`)
    }
    const first = await times()
    expect(new Set(first.map(call => call.split('@')[1])).size).toBeGreaterThan(150)
    expect(await times()).toEqual(first)
  })

  it('the input of a letter is what the operator got, its bytes those of the topic', async () => {
    const builder = new StreamsBuilder()
    builder
      .stream<string, string>('in', strings)
      .mapValues(value => value.length, { name: 'length' })
      .mapValuesAsync<number>(() => Promise.reject(new NonRetriableError('no')), {
        name: 'charge',
        valueSerde: serdes.int64(),
        retry: { backoff: doubling, attempts: 1 },
      })
      .to('out', { valueSerde: serdes.int64() })
    using driver = new TopologyTestDriver(builder.build())
    driver
      .createInputTopic('in', strings)
      .pipeInput('a', 'four', { headers: [{ key: 'trace', value: Buffer.from('7') }] })
    await driver.settled()
    const [letter] = driver.letters('charge')
    expect(letter).toMatchObject({ key: Buffer.from('a'), value: Buffer.from('four') })
    expect(letter?.input).toEqual({ key: Buffer.from('a'), value: Buffer.from([0, 0, 0, 0, 0, 0, 0, 4]) })
    expect(letter?.headers).toEqual([{ key: 'trace', value: Buffer.from('7') }])
  })
})

describe('options of retry', () => {
  const build = (retry: RetryOptions, more: object = {}) => {
    const stream = new StreamsBuilder().stream<string, string>('in', strings)
    stream.mapValuesAsync(value => Promise.resolve(value), { name: 'charge', retry, ...more })
  }
  it.each([
    ['neither attempts nor giveUpAfterMs', { backoff: doubling }, {}],
    ['retry.backoff is missing', { attempts: 3 } as RetryOptions, {}],
    ['retry.attempts is 0', { backoff: doubling, attempts: 0 }, {}],
    ['retry.order is', { backoff: doubling, attempts: 1, order: 'input' as 'key' }, {}],
    [
      'retry.circuit.openAfter is -1',
      { backoff: doubling, attempts: 1, circuit: { openAfter: -1, probeEveryMs: 1 } },
      {},
    ],
    ['needs a name', { backoff: doubling, attempts: 1 }, { name: undefined }],
    ['give the order as retry.order', { backoff: doubling, attempts: 1 }, { order: 'none' }],
    [
      'they would be lost',
      { backoff: doubling, attempts: 1 },
      {
        pendingStore: {
          logging: { config: { 'cleanup.policy': 'compact,delete', 'retention.ms': '60000' } },
        },
      },
    ],
  ])('%s', (message, retry, more) => {
    expect(() => build(retry, more)).toThrow(message)
  })

  it('names of nodes, stores and topics are the same without and with retry, and so are the tasks', () => {
    const plan = (retry: RetryOptions | undefined) => {
      const builder = new StreamsBuilder()
      builder
        .stream<string, string>('in', strings)
        .mapValuesAsync(value => Promise.resolve(value), { name: 'charge', ...(retry && { retry }) })
        .groupBy(value => value, { keySerde: serdes.string() })
        .count()
        .toStream()
        .to('out')
      builder.stream<string, string>('other', strings).to('copy')
      return builder.build().plan('app')
    }
    const named = ({ subtopologies, repartitionTopics }: TopologyPlan) => ({
      repartitionTopics: [...repartitionTopics.keys()],
      subtopologies: subtopologies.map(({ id, nodes, stores, sourceTopics }) => ({
        id,
        nodes: nodes.map(({ name }) => name).filter(name => name !== 'charge-replay'),
        stores: stores.map(({ builder, changelogTopic }) => [builder.name, changelogTopic]),
        sourceTopics: sourceTopics.filter(topic => topic !== 'app-charge-replay'),
      })),
    })
    const [without, withRetry] = [plan(undefined), plan({ backoff: doubling, attempts: 3 })]
    expect(named(withRetry)).toEqual(named(without))
    const counts = new Map([
      ['in', 4],
      ['other', 2],
    ])
    const anchors = ({ subtopologies }: TopologyPlan, own: readonly (readonly [string, number])[]) =>
      new AnchorPlan(subtopologies, new Map([...countPartitions(plan(undefined), counts), ...own]))
    const [old, now] = [anchors(without, []), anchors(withRetry, [['app-charge-replay', 4]])]
    expect(now.topics).toEqual(old.topics)
    // Processes of both may be in one group.
    expect(now.hash).toBe(old.hash)
    expect(now.task({ topic: 'in', partition: 3 }).partitions).toEqual([
      { topic: 'in', partition: 3 },
      { topic: 'app-charge-replay', partition: 3 },
    ])
  })
})
