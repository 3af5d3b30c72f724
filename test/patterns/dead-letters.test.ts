import { describe, expect, it, onTestFinished } from 'vitest'
import type { Broker } from '../../lib/broker/broker.ts'
import { BrokerError } from '../../lib/broker/broker-error.ts'
import { openEmbeddedBroker } from '../../lib/broker/embedded/embedded-broker.ts'
import { utf8Text } from '../../lib/common/bytes.ts'
import { eventually } from '../support/eventually.ts'
import { listed, lettersOf, replayStage } from '../support/replay-stage.ts'
import { createTopics, produce, readAll } from '../support/topics.ts'

async function stage(values: readonly (readonly [string, string])[], partitions = 2) {
  const broker = await openEmbeddedBroker()
  onTestFinished(() => broker.close())
  await createTopics(broker, { in: partitions, out: partitions })
  const { provider, start, outputs } = await replayStage(broker, { applicationId: 'app' })
  await produce(broker, 'in', partitions, values)
  const streams = await start()
  const bad = values.filter(([, value]) => value.startsWith('bad')).length
  const letterCount = async () => (await readAll(broker, 'app-charge-dlq')).length
  await eventually(async () => (await letterCount()) + (await outputs()).length === values.length, {
    what: 'all fates',
  })
  expect(await letterCount()).toBe(bad)
  return { broker, provider, start, outputs, streams }
}

const VALUES = Array.from(
  { length: 12 },
  (_, at) => [`k${at % 4}`, at % 3 === 0 ? `bad${at}` : `v${at}`] as const,
)

describe('dead letters', () => {
  it('are replayed once, in order of their keys, with their idempotency keys, while the application runs', async () => {
    const { broker, provider, outputs } = await stage(VALUES)
    const letters = await lettersOf(broker, 'app')
    const failed = new Map(provider.calls.map(({ value, key }) => [value, key]))
    provider.isMended = true
    const { letters: replayed, left } = await letters.replay({})
    expect([replayed.length, left]).toEqual([4, 0])
    await eventually(async () => (await outputs()).length === VALUES.length)
    expect((await outputs()).sort()).toEqual(VALUES.map(([, value]) => `${value}!`).sort())
    for (const { value, key } of provider.calls.slice(-4)) expect(key).toBe(failed.get(value))
    expect(await listed(letters)).toEqual([])
    expect(await listed(letters, true)).toEqual([
      'bad0 replayed',
      'bad3 replayed',
      'bad6 replayed',
      'bad9 replayed',
    ])
    // Twice is once.
    expect(await letters.replay({})).toEqual({ letters: [], left: 4, homeless: [] })
    const forced = await letters.replay({ error: 'not bad3' }, { force: true })
    expect(forced.letters.map(({ value }) => utf8Text(value!))).toEqual(['bad3'])
    await eventually(async () => (await outputs()).length === VALUES.length + 1)
  })

  it('a dry run tells what would be done, and does nothing', async () => {
    const { broker } = await stage(VALUES)
    const letters = await lettersOf(broker, 'app')
    const { letters: would } = await letters.replay({ error: 'not bad0' }, { dryRun: true })
    expect(would).toHaveLength(1)
    const admin = await broker.admin()
    expect(await admin.listTopics()).not.toContain('app-dlq-ledger')
    expect(await readAll(broker, 'app-charge-replay')).toEqual([])
    expect(await listed(letters)).toHaveLength(4)
  })

  it('a record that fails again after a replay has a letter that is open', async () => {
    const { broker, provider, outputs } = await stage([['k', 'bad']])
    const letters = await lettersOf(broker, 'app')
    await letters.replay({})
    await eventually(async () => (await readAll(broker, 'app-charge-dlq')).length === 2)
    expect(await listed(letters)).toEqual(['bad open'])
    provider.isMended = true
    const { letters: again } = await letters.replay({})
    expect(again).toHaveLength(1)
    await eventually(async () => (await outputs()).length === 1)
  })

  it('are replayed in transactions: an end in between is gone on from', async () => {
    const many = Array.from({ length: 1_100 }, (_, at) => [`k${at % 7}`, `bad${at}`] as const)
    const { broker, provider, outputs } = await stage(many)
    provider.isMended = true
    const ending = new AbortController()
    const counts: number[] = []
    const stopped = await lettersOf(broker, 'app', { signal: ending.signal })
    const first = await stopped.replay(
      {},
      {
        onProgress: ({ count, total }) => {
          expect(total).toBe(1_100)
          counts.push(count)
          if (counts.length === 2) ending.abort()
        },
      },
    )
    expect(counts).toEqual([500, 1_000])
    expect(first.letters).toHaveLength(1_000)
    const letters = await lettersOf(broker, 'app')
    expect((await letters.replay({})).letters).toHaveLength(100)
    await eventually(async () => (await outputs()).length === many.length)
    expect((await outputs()).sort()).toEqual(many.map(([, value]) => `${value}!`).sort())
    const byKey = new Map<string, number[]>()
    for (const value of await outputs()) {
      const number = Number(/\d+/.exec(value)![0])
      byKey.set(`k${number % 7}`, [...(byKey.get(`k${number % 7}`) ?? []), number])
    }
    for (const numbers of byKey.values())
      expect(numbers).toEqual([...numbers].sort((left, right) => left - right))
  })

  it('of two who replay at once one is told, and each letter is processed once', async () => {
    const many = Array.from({ length: 1_100 }, (_, at) => [`k${at % 7}`, `bad${at}`] as const)
    const { broker, provider, outputs } = await stage(many)
    provider.isMended = true
    const [one, other] = [await lettersOf(broker, 'app'), await lettersOf(broker, 'app')]
    let second: Promise<unknown> | undefined
    const first = one
      .replay({}, { onProgress: () => void (second ??= other.replay({})) })
      .catch((error: unknown) => error)
    expect(await first).toMatchObject({ code: 'REPLAY_FENCED' })
    expect(String(await first)).toContain('dead letters of charge: this call has ended after ')
    expect(((await second) as { letters: unknown[] }).letters.length).toBeLessThan(1_100)
    await eventually(async () => (await outputs()).length === many.length)
    expect(new Set(await outputs()).size).toBe(many.length)
  })

  it('are purged: listed no more, and deleted as far as no other letter lies before', async () => {
    const { broker } = await stage(
      VALUES.map(([, value]) => ['k', value] as const),
      1,
    )
    const letters = await lettersOf(broker, 'app')
    const purged = async (error: string) => (await letters.purge({ error })).letters.length
    expect(await purged('not bad3')).toBe(1)
    expect(await listed(letters)).toEqual(['bad0 open', 'bad6 open', 'bad9 open'])
    expect(await readAll(broker, 'app-charge-dlq')).toHaveLength(4)
    expect(await purged('not bad0')).toBe(1)
    expect((await readAll(broker, 'app-charge-dlq')).map(({ value }) => utf8Text(value!))).toEqual([
      'bad6',
      'bad9',
    ])
    // What was done about letters that are gone is forgotten, too.
    const ledger = new Map(
      (await readAll(broker, 'app-dlq-ledger')).map(({ key, value }) => [utf8Text(key!), value]),
    )
    expect([...ledger.values()]).toEqual([null, null])
    expect(await letters.replay({ error: 'not bad0' })).toEqual({ letters: [], left: 0, homeless: [] })
  })

  it('a replay that nothing would take, and an operator that is not there, are refused', async () => {
    const { broker } = await stage([['k', 'bad']])
    const admin = await broker.admin()
    const letters = await lettersOf(broker, 'app')
    await expect(letters.replay({ operator: 'chrage' })).rejects.toThrow('did you mean charge?')
    const gone = await lettersOf(broker, 'app', {
      boxes: [
        {
          name: 'charge',
          topic: 'app-charge-dlq',
          isGone: true,
          replayPlace: () => ({ topic: '', partition: 0 }),
        },
      ],
    } as never)
    await expect(gone.replay({ operator: 'charge' })).rejects.toMatchObject({ code: 'OPERATOR_GONE' })
    expect(await gone.replay({})).toEqual({ letters: [], left: 0, homeless: [] })
    await admin.deleteTopics(['app-charge-replay'])
    await expect(letters.replay({})).rejects.toMatchObject({ code: 'REPLAY_TOPIC_MISSING' })
    expect(await listed(letters)).toEqual(['bad open'])
  })

  it.each(['produce', 'commit'])(
    'a broker that fails at the %s of a replay leaves all of it, or nothing',
    async step => {
      const { provider, outputs, broker } = await stage(VALUES)
      provider.isMended = true
      const letters = await lettersOf(refusing(broker, step), 'app')
      await expect(letters.replay({})).rejects.toThrow('refused for the test')
      const mended = await lettersOf(broker, 'app')
      expect((await mended.replay({})).letters).toHaveLength(4)
      await eventually(async () => (await outputs()).length === VALUES.length)
      expect(new Set(await outputs()).size).toBe(VALUES.length)
    },
  )
})

it('a commit whose answer is lost is asked for again: each letter is replayed once', async () => {
  const { provider, outputs, broker } = await stage(VALUES)
  provider.isMended = true
  const letters = await lettersOf(refusing(broker, 'answer'), 'app')
  expect((await letters.replay({})).letters).toHaveLength(4)
  expect(await letters.replay({})).toMatchObject({ letters: [], left: 4 })
  await eventually(async () => (await outputs()).length === VALUES.length)
  expect(new Set(await outputs()).size).toBe(VALUES.length)
})

it('a purge whose deletion fails has purged all the same, and the next one deletes', async () => {
  const { broker } = await stage([['k', 'bad']], 1)
  const admin = await broker.admin()
  let isFailing = true
  const failing = new Proxy(admin, {
    get(target, name) {
      if (name === 'deleteRecords' && isFailing)
        return () => Promise.reject(new Error('refused for the test'))
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? (value as (...args: unknown[]) => unknown).bind(target) : value
    },
  })
  const letters = await lettersOf(broker, 'app', { admin: () => Promise.resolve(failing) })
  await expect(letters.purge({ error: 'not bad' })).rejects.toThrow('refused for the test')
  expect(await listed(letters)).toEqual([])
  isFailing = false
  expect((await letters.purge({ error: 'not bad' })).left).toBe(1)
  expect(await readAll(broker, 'app-charge-dlq')).toEqual([])
})

/** A broker whose transactional producers fail at the second record, or at the commit. */
function refusing(broker: Broker, step: string): Broker {
  const refuse = (): never => {
    throw new Error('refused for the test')
  }
  return {
    name: broker.name,
    consumer: options => broker.consumer(options),
    admin: () => broker.admin(),
    close: () => Promise.resolve(),
    async producer(options) {
      const producer = await broker.producer(options)
      let sent = 0
      let isAnswered = false
      return new Proxy(producer, {
        get(target, name) {
          if (name === 'send' && step === 'produce' && ++sent > 2) return refuse
          if (name === 'commitTransaction' && step === 'commit') return async () => refuse()
          if (name === 'commitTransaction' && step === 'answer') {
            return async () => {
              // As adapters promise: a second call is answered by what the first has done.
              if (isAnswered) return void (isAnswered = false)
              await target.commitTransaction()
              isAnswered = true
              throw new BrokerError('REQUEST_TIMED_OUT', 'retriable', 'no answer')
            }
          }
          const value: unknown = Reflect.get(target, name, target)
          return typeof value === 'function' ? (value as (...args: unknown[]) => unknown).bind(target) : value
        },
      })
    },
  }
}
