import { describe, expect, it, onTestFinished } from 'vitest'
import { openEmbeddedBroker } from '../../lib/broker/embedded/embedded-broker.ts'
import { silentLogger } from '../../lib/common/logger.ts'
import { openKeyValueStore, serdes, startKeyValueStore, type TopicStoreOptions } from '../../lib/index.ts'
import { SeededRandom } from '../support/seeded-random.ts'
import { eventually } from '../support/eventually.ts'
import { createTopics, produce } from '../support/topics.ts'

interface Country {
  readonly name: string
  readonly zones?: readonly string[]
}

type Options<V> = Partial<TopicStoreOptions<string, V>>

async function stage(partitionCount = 1) {
  const broker = await openEmbeddedBroker()
  onTestFinished(() => broker.close())
  await createTopics(broker, { countries: partitionCount }, ['countries'])
  const open = async <V = Country>(options: Options<V> = {}) => {
    const store = await openKeyValueStore<string, V>('countries', {
      broker,
      logger: silentLogger,
      ...options,
    })
    onTestFinished(() => store.close())
    return store
  }
  return { broker, open }
}

describe('a store', () => {
  it('has what was written before it was opened, and shows what is written when put resolves', async () => {
    const { broker, open } = await stage(2)
    await produce(broker, 'countries', 2, [
      ['CL', '{"name":"Chile"}'],
      ['XX', '{"name":"Nowhere"}'],
      ['XX', null],
    ])
    const store = await open()
    expect([...store]).toEqual([['CL', { name: 'Chile' }]])
    await store.put('SS', { name: 'South Sudan' })
    expect(store.get('SS')).toEqual({ name: 'South Sudan' })
    expect([store.size, store.has('SS'), store.has('XX'), [...store.keys()].sort()]).toEqual([
      2,
      true,
      false,
      ['CL', 'SS'],
    ])
    await store.delete('CL')
    expect(store.get('CL')).toBeUndefined()
    expect([...store.values()]).toEqual([{ name: 'South Sudan' }])
  })

  it('gives all readers the same frozen value', async () => {
    const { open } = await stage()
    const store = await open()
    await store.put('SS', { name: 'South Sudan', zones: ['Africa/Juba'] })
    const found = store.get('SS')!
    expect(store.get('SS')).toBe(found)
    expect(() => (found.zones as string[]).push('x')).toThrow(TypeError)
  })

  it('is not read before it is ready, and not after it is closed', async () => {
    const { broker } = await stage()
    const store = startKeyValueStore<string, Country>('countries', { broker, logger: silentLogger })
    expect(() => store.get('CL')).toThrow(expect.objectContaining({ code: 'NOT_READY' }))
    await store.ready
    expect(store.get('CL')).toBeUndefined()
    await store.close()
    expect(() => store.get('CL')).toThrow(expect.objectContaining({ code: 'CLOSED' }))
    await expect(store.put('CL', { name: 'Chile' })).rejects.toMatchObject({ code: 'CLOSED' })
  })

  it('refuses values that are none, versions without a single writer, and settings that are none', async () => {
    const { broker, open } = await stage()
    const store = await open()
    await expect(store.put('CL', null as never)).rejects.toThrow('delete the key instead')
    await expect(store.put('CL', { name: 'Chile' }, { expectedVersion: 0 })).rejects.toMatchObject({
      code: 'NO_SINGLE_WRITER',
    })
    for (const wrong of [{ writes: 'other' as never }, { writeTimeoutMs: 0 }, { writeTimeoutMs: 1e9 }])
      expect(() => startKeyValueStore('countries', { broker, ...wrong })).toThrow(
        expect.objectContaining({ code: 'INVALID_SETTING' }),
      )
  })

  it('over a topic that is not compacted is refused, by a message that says what to do', async () => {
    const { broker } = await stage()
    const admin = await broker.admin()
    await admin.createTopics([
      { topic: 'prices', partitionCount: 1, config: { 'cleanup.policy': 'delete', 'retention.ms': '1000' } },
    ])
    const opening = openKeyValueStore('prices', { broker, logger: silentLogger })
    await expect(opening).rejects.toMatchObject({
      code: 'TOPIC_NOT_COMPACTED',
      message: expect.stringContaining('topic "prices" has cleanup.policy=delete') as unknown,
    })
  })

  it('makes its topic, compacted, on a broker in this process', async () => {
    const { broker } = await stage()
    const store = await openKeyValueStore<string, number>('made', { broker, logger: silentLogger })
    onTestFinished(() => store.close())
    await store.put('a', 1)
    const admin = await broker.admin()
    const settings = await admin.topicSettings(['made'], ['cleanup.policy'])
    expect(settings.get('made')?.get('cleanup.policy')).toBe('compact')
  })

  it('tells changes with the value before', async () => {
    const { open } = await stage()
    const [store, other] = [await open<number>(), await open<number>()]
    const told: unknown[] = []
    let isComplete = false
    store.changes.subscribe({
      next: ({ key, value, oldValue }) => told.push([key, value, oldValue]),
      complete: () => (isComplete = true),
    })
    await other.put('a', 1)
    await other.put('a', 2)
    await other.delete('a')
    await other.delete('a')
    await other.put('b', 1)
    await eventually(() => told.length === 4)
    expect(told).toEqual([
      ['a', 1, null],
      ['a', 2, 1],
      ['a', null, 2],
      ['b', 1, null],
    ])
    await store.close()
    expect(isComplete).toBe(true)
  })

  it('takes keys that are no primitives, equal by their bytes', async () => {
    const { broker } = await stage()
    const store = await openKeyValueStore<{ id: number }, string>('places', {
      broker,
      keySerde: serdes.json<{ id: number }>(),
      logger: silentLogger,
    })
    onTestFinished(() => store.close())
    await store.put({ id: 7 }, 'seven')
    expect(store.get({ id: 7 })).toBe('seven')
    expect([...store.keys()]).toEqual([{ id: 7 }])
  })
})

it.each([1, 2])('two instances come to the same rows whatever the order of writes (seed %i)', async seed => {
  const { open } = await stage(3)
  const random = new SeededRandom(seed)
  const [left, right] = [await open<number>(), await open<number>()]
  const writes = Array.from({ length: 400 }, async (_, n) => {
    const [store, key] = [random.pick([left, right]), `k${random.below(20)}`]
    if (random.chance(0.3)) await store.delete(key)
    else await store.put(key, n)
  })
  await Promise.all(writes)
  await left.put('end', 0)
  await eventually(() => right.has('end'))
  const rows = (store: typeof left) => [...store].sort(([a], [b]) => (a < b ? -1 : 1))
  await eventually(() => JSON.stringify(rows(left)) === JSON.stringify(rows(right)))
  const third = await open<number>()
  expect(rows(third)).toEqual(rows(left))
})

it('what put has written is read after it, or something newer, in 10,000 trials', async () => {
  const { open } = await stage(2)
  const store = await open<number>()
  const random = new SeededRandom(3)
  let next = 0
  let trials = 0
  const client = async () => {
    while (trials < 10_000) {
      trials += 1
      const [key, value] = [`k${random.below(50)}`, (next += 1)]
      await store.put(key, value)
      // Numbers of one producer lie in its order: a smaller one was written before.
      expect(store.get(key)).toBeGreaterThanOrEqual(value)
    }
  }
  await Promise.all(Array.from({ length: 100 }, client))
})
