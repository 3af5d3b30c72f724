import { describe, expect, it } from 'vitest'
import {
  exponentialBackoff,
  NonRetriableError,
  serdes,
  StreamsBuilder,
  type RetryOptions,
} from '../../lib/index.ts'
import { TopologyTestDriver } from '../../lib/testing.ts'
import { eachUser } from '../support/renewals-subject.ts'
import { SeededRandom } from '../support/seeded-random.ts'

const HOUR_MS = 3_600_000
const MINUTE_MS = 60_000
const USERS = 10_000

/** A provider that charges once for a key, fails, loses answers, and is down for a while. */
class Provider {
  /** Times of the renewals that were charged, by user, in the order in which they were. */
  readonly charged = new Map<string, number[]>()
  readonly #receipts = new Map<string, number>()
  readonly #random = new SeededRandom(17)
  calls = 0
  downFromMs = Infinity
  downUntilMs = Infinity
  nowMs: () => number = () => 0

  async charge(user: string, dueMs: number, key: string): Promise<number> {
    this.calls += 1
    await Promise.resolve()
    const nowMs = this.nowMs()
    if (nowMs >= this.downFromMs && nowMs < this.downUntilMs) throw new Error('down')
    if (this.#random.next() < 0.15) throw new Error('failed')
    if (!this.#receipts.has(key)) {
      this.#receipts.set(key, dueMs)
      this.charged.set(user, [...(this.charged.get(user) ?? []), dueMs])
    }
    // Charged, and nobody knows.
    if (this.#random.next() < 0.18) throw new Error('the answer was lost')
    return dueMs
  }
}

function renewals(provider: Provider, retry: RetryOptions) {
  const number = { keySerde: serdes.string(), valueSerde: serdes.int64() }
  const text = { keySerde: serdes.string(), valueSerde: serdes.string() }
  const builder = new StreamsBuilder()
  builder.table('users', { ...text, storeName: 'users', ranges: true })
  builder
    .schedule('run', { everyMs: HOUR_MS, per: 'partition' })
    .process(eachUser, { name: 'each', stores: ['users'] })
    .to('requests', number)
  builder
    .stream('requests', number)
    .mapValuesAsync((dueMs, user, { idempotencyKey }) => provider.charge(user, dueMs, idempotencyKey!), {
      name: 'charge',
      concurrency: 500,
      retry,
    })
    .to('renewed', number)
  const driver = new TopologyTestDriver(builder.build(), { startWallClockMs: 1, stepsMax: 10_000_000 })
  provider.nowMs = () => driver.wallClockMs
  return {
    driver,
    users: driver.createInputTopic('users', text),
    renewed: driver.createOutputTopic('renewed', number),
  }
}

describe('schedule and forget', () => {
  it(`${USERS} users on a schedule, a provider that fails 30 % and is down for ten minutes: each renewal once, in order`, async () => {
    const provider = new Provider()
    const { driver, users, renewed } = renewals(provider, {
      backoff: exponentialBackoff({ firstMs: 1_000, maxMs: 5 * MINUTE_MS }),
      giveUpAfterMs: 3 * 24 * HOUR_MS,
      circuit: { openAfter: 50, probeEveryMs: 5_000 },
    })
    using _ = driver
    const names = Array.from({ length: USERS }, (_each, at) => `u${at}`)
    for (const name of names) users.pipeInput(name, 'yoga')
    // In the midst of the second renewal.
    provider.downFromMs = 2 * HOUR_MS + 1
    provider.downUntilMs = provider.downFromMs + 10 * MINUTE_MS
    await driver.advance(4 * HOUR_MS + 30 * MINUTE_MS)
    const due = [HOUR_MS, 2 * HOUR_MS, 3 * HOUR_MS, 4 * HOUR_MS]
    for (const name of names) expect(provider.charged.get(name)).toEqual(due)
    const out = new Map<string, number[]>()
    for (const { key, value } of renewed.readRecords()) out.set(key!, [...(out.get(key!) ?? []), value!])
    for (const name of names) expect(out.get(name)).toEqual(due)
    expect(driver.letters('charge')).toEqual([])
    expect(driver.metricTotal('retry-parked-records')).toBe(0)
    // An outage is probed, and not called against.
    expect(provider.calls).toBeLessThan(4 * USERS * 2)
  }, 300_000)

  it('one hopeless user is given up, and delays nobody; all that came in is output or letter', async () => {
    const provider = new Provider()
    const charge = provider.charge.bind(provider)
    provider.charge = (user, dueMs, key) =>
      user === 'u7' ? Promise.reject(new NonRetriableError('card is stolen')) : charge(user, dueMs, key)
    const { driver, users, renewed } = renewals(provider, {
      backoff: exponentialBackoff({ firstMs: 1_000 }),
      attempts: 20,
      onGiveUp: 'key',
    })
    using _ = driver
    for (let at = 0; at < 50; at += 1) users.pipeInput(`u${at}`, 'yoga')
    await driver.advance(3 * HOUR_MS + 30 * MINUTE_MS)
    const letters = driver.letters('charge')
    expect(letters.map(({ reason }) => reason)).toEqual(['non-retriable', 'behind', 'behind'])
    expect(renewed.readKeyValues()).toHaveLength(3 * 49)
  })
})
