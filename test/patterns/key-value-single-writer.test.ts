import { describe, expect, it, onTestFinished } from 'vitest'
import { openEmbeddedBroker } from '../../lib/broker/embedded/embedded-broker.ts'
import type { Interceptor } from '../../lib/broker/embedded/state/interceptions.ts'
import { silentLogger } from '../../lib/common/logger.ts'
import { systemClock } from '../../lib/common/clock.ts'
import { Metrics, openKeyValueStore, VersionConflictError, type TopicStoreOptions } from '../../lib/index.ts'
import { commandHeaders } from '../../lib/patterns/key-value/key-value-format.ts'
import { eventually } from '../support/eventually.ts'
import { shortPauses } from '../support/fast-clock.ts'
import { createTopics, produce, readAll, textOf } from '../support/topics.ts'

type Options = Partial<TopicStoreOptions<string, number>>

async function stage({ interceptor }: { readonly interceptor?: Interceptor } = {}) {
  const broker = await openEmbeddedBroker(interceptor ? { interceptor } : {})
  onTestFinished(() => broker.close())
  await createTopics(broker, { counters: 2 }, ['counters'])
  const metrics = new Metrics({ clock: systemClock })
  const open = async (options: Options = {}) => {
    const store = await openKeyValueStore<string, number>('counters', {
      ...{ broker, logger: silentLogger, writes: 'single-writer', metrics },
      ...options,
    })
    onTestFinished(() => store.close())
    return store
  }
  /** Rows that were committed to the topic, in their order. */
  const written = async () => (await readAll(broker, 'counters')).filter(({ key }) => key !== null)
  const counted = (name: string) => metrics.total(`key-value-commands-${name}-total`)
  return { broker, metrics, open, written, counted }
}

describe('a store with a single writer', () => {
  it('writes only where the version is the expected one; versions grow over deletions', async () => {
    const { open, counted } = await stage()
    const store = await open()
    const first = await store.put('a', 1, { expectedVersion: 0 })
    expect(store.entry('a')).toMatchObject({ value: 1, version: first })
    const conflict = await store.put('a', 9, { expectedVersion: 0 }).catch((error: unknown) => error)
    expect(conflict).toBeInstanceOf(VersionConflictError)
    expect(conflict).toMatchObject({ code: 'VERSION_CONFLICT', currentVersion: first })
    expect(store.get('a')).toBe(1)
    await store.delete('a', { expectedVersion: first })
    expect(store.get('a')).toBeUndefined()
    await expect(store.put('a', 9, { expectedVersion: first })).rejects.toMatchObject({ currentVersion: 0 })
    const second = await store.put('a', 2, { expectedVersion: 0 })
    expect(second).toBeGreaterThan(first)
    expect([counted('accepted'), counted('conflicted')]).toEqual([3, 2])
  })

  it('counts each increment of 8 writers in 4 processes', async () => {
    const { open, counted } = await stage()
    const stores = [await open(), await open({ hostsWriter: false }), await open({ hostsWriter: false })]
    stores.push(await open())
    const increments = stores
      .flatMap(store => [store, store])
      .map(async store => {
        for (let n = 0; n < 4; n += 1) await store.update('hits', (value = 0) => value + 1)
      })
    await Promise.all(increments)
    for (const store of stores) await eventually(() => store.get('hits') === 32)
    expect(counted('accepted')).toBe(32)
  })

  it('carries out a command once, however often it comes, and answers each time as the first', async () => {
    const { broker, open, written, counted } = await stage()
    const store = await open()
    const version = await store.put('a', 1)
    const producer = await broker.producer({ clientId: 'again' })
    onTestFinished(() => producer.close())
    const { partition } = (await written())[0]!
    const send = async (id: string, value: string, expectedVersion: number) => {
      producer.send({
        ...{ topic: 'counters-commands', partition, timestamp: 1, key: Buffer.from('a') },
        ...{ value: Buffer.from(value), headers: commandHeaders({ id, expectedVersion }) },
      })
      await producer.flush()
    }
    for (let n = 0; n < 3; n += 1) await send('twice', '2', version)
    await eventually(() => counted('repeated') === 2)
    // One that was refused stays refused, though it would fit by now.
    await send('late', '3', 0)
    await eventually(() => counted('conflicted') === 1)
    await store.delete('a')
    await send('late', '3', 0)
    await eventually(() => counted('repeated') === 3)
    expect((await written()).map(({ value }) => textOf(value))).toEqual(['1', '2', null])
    const answersTo = async (id: string) => {
      const answers = await readAll(broker, 'counters-answers')
      return answers.filter(({ key }) => textOf(key) === id).map(({ value }) => textOf(value))
    }
    await eventually(async () => expect(await answersTo('late')).toHaveLength(2))
    expect(await answersTo('late')).toEqual(Array(2).fill('{"v":1,"isAccepted":false,"version":2}'))
    expect(await answersTo('twice')).toEqual(Array(3).fill('{"v":1,"isAccepted":true,"version":2}'))
  })

  it('has a command sent again whose answer does not come, and the write is made once', async () => {
    let held: Promise<void> | undefined
    let release = () => undefined as void
    let sent = 0
    const interceptor: Interceptor = ({ operation, topic }) => {
      if (operation === 'produce' && topic === 'counters-commands') sent += 1
      return operation === 'fetch' && topic === 'counters-answers' ? held : undefined
    }
    const { open, written, counted } = await stage({ interceptor })
    const store = await open({ clock: shortPauses(50) })
    await store.put('warm', 0)
    sent = 0
    held = new Promise(resolve => (release = resolve))
    const put = store.put('a', 1)
    await eventually(() => sent >= 3)
    held = undefined
    release()
    expect(await put).toBeGreaterThan(0)
    await eventually(() => counted('repeated') >= 2)
    expect((await written()).map(({ key }) => textOf(key)).sort()).toEqual(['a', 'warm'])
  })

  it('ends a write that nobody confirms, and says that it may be made later', async () => {
    const { open } = await stage()
    const client = await open({ hostsWriter: false, writeTimeoutMs: 50 })
    await expect(client.put('a', 1)).rejects.toMatchObject({ code: 'KEY_VALUE_WRITE_TIMEOUT' })
    expect(client.get('a')).toBeUndefined()
    const writer = await open()
    await eventually(() => client.get('a') === 1 && writer.get('a') === 1)
  })

  it('leaves out records that are no commands, and counts them', async () => {
    const { broker, open, written, counted } = await stage()
    const store = await open()
    await produce(broker, 'counters-commands', 2, [
      ['a', '7'],
      [null, '8'],
    ])
    await eventually(() => counted('refused') === 2)
    await store.put('a', 1)
    expect(await written()).toHaveLength(1)
  })

  it('does not replace a row from before it had a writer for one that is not there', async () => {
    const { broker, open } = await stage()
    await produce(broker, 'counters', 2, [['old', '5']])
    const store = await open()
    await expect(store.put('old', 6, { expectedVersion: 0 })).rejects.toMatchObject({
      code: 'ROW_WITHOUT_VERSION',
    })
    const version = await store.put('old', 6)
    expect(await store.put('old', 7, { expectedVersion: version })).toBeGreaterThan(version)
  })
})
