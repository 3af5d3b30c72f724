import { describe, expect, it, onTestFinished } from 'vitest'
import { BrokerError } from '../../lib/broker/broker-error.ts'
import { openEmbeddedBroker } from '../../lib/broker/embedded/embedded-broker.ts'
import type { Interception } from '../../lib/broker/embedded/state/interceptions.ts'
import { OpenedBroker } from '../../lib/broker/open/opened-broker.ts'
import type { TopicHandle, TopicRecord } from '../../lib/broker/open/topic-handle.ts'
import { systemClock } from '../../lib/common/clock.ts'
import { partitionForKey } from '../../lib/common/hash/murmur2.ts'
import type { Serde } from '../../lib/serde/serde.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import { eventually } from '../support/eventually.ts'
import { createTopics } from '../support/topics.ts'

interface Order {
  readonly item: string
}

const ORDERS = { keySerde: serdes.string(), valueSerde: serdes.json<Order>() }

async function opened(intercept: (operation: Interception) => void = () => undefined) {
  const broker = new OpenedBroker(await openEmbeddedBroker({ interceptor: intercept }), systemClock)
  onTestFinished(() => broker.close())
  await createTopics(broker, { orders: 3 })
  return { broker, orders: broker.topic('orders', ORDERS) }
}

async function all<K, V>(topic: TopicHandle<K, V>): Promise<TopicRecord<K, V>[]> {
  const found: TopicRecord<K, V>[] = []
  for await (const record of topic.records({ follow: false })) found.push(record)
  return found
}

describe('a topic of an opened broker', () => {
  it('takes records by the hash of their keys, tombstones and headers among them', async () => {
    const { orders } = await opened()
    await orders.send(
      'ann',
      { item: 'tea' },
      { timestamp: 7, headers: [{ key: 'from', value: Buffer.from('test') }] },
    )
    await orders.send('ann', null)
    await orders.send(null, { item: 'salt' }, { partition: 2 })
    const records = await all(orders)
    const partition = partitionForKey(Buffer.from('ann'), 3)
    expect(records.filter(({ key }) => key === 'ann')).toMatchObject([
      { topic: 'orders', partition, offset: 0, value: { item: 'tea' }, timestamp: 7 },
      { partition, offset: 1, value: null },
    ])
    expect(records.find(({ key }) => key === null)).toMatchObject({ partition: 2, value: { item: 'salt' } })
  })

  it('takes the headers that a serde adds', async () => {
    const { broker } = await opened()
    const valueSerde: Serde<string> = {
      ...serdes.string(),
      serialize(value, context) {
        context.headers?.add('length', Buffer.from([value.length]))
        return serdes.string().serialize(value, context)
      },
    }
    const topic = broker.topic('orders', { keySerde: serdes.string(), valueSerde })
    await topic.send('ann', 'tea', { headers: [{ key: 'from', value: null }] })
    const [record] = await all(topic)
    expect(record!.headers.toArray()).toEqual([
      { key: 'from', value: null },
      { key: 'length', value: Uint8Array.of(3) },
    ])
  })

  it('takes many, and says how many; those without a key go round', async () => {
    const { orders } = await opened()
    const messages = Array.from({ length: 3_000 }, (_, at) => ({ key: null, value: { item: `${at}` } }))
    expect(await orders.sendAll(messages)).toBe(3_000)
    const records = await all(orders)
    expect(records).toHaveLength(3_000)
    for (const partition of [0, 1, 2])
      expect(records.filter(each => each.partition === partition)).toHaveLength(1_000)
  })

  it('concurrent sends are acknowledged, each once', async () => {
    const { orders } = await opened()
    await Promise.all(Array.from({ length: 100 }, (_, at) => orders.send(`${at % 7}`, { item: `${at}` })))
    const items = (await all(orders)).map(({ value }) => Number(value!.item))
    expect(items.sort((left, right) => left - right)).toEqual(Array.from({ length: 100 }, (_, at) => at))
  })

  it('follows what is still to come, from the end on, until the loop is left', async () => {
    const { orders } = await opened()
    await orders.send('ann', { item: 'before' })
    const seen: string[] = []
    const reading = (async () => {
      for await (const { value } of orders.records({ from: 'latest' })) {
        seen.push(value!.item)
        if (value!.item === 'last') break
      }
    })()
    await eventually(async () => {
      await orders.send('bob', { item: 'next' })
      return seen.includes('next')
    })
    await orders.send('bob', { item: 'last' })
    await reading
    expect(seen).not.toContain('before')
    expect(seen.at(-1)).toBe('last')
  })

  it('ends by a signal', async () => {
    const { orders } = await opened()
    const abort = new AbortController()
    await orders.send('ann', { item: 'tea' })
    const seen: unknown[] = []
    for await (const record of orders.records({ signal: abort.signal })) {
      seen.push(record)
      abort.abort()
    }
    expect(seen).toHaveLength(1)
  })

  it('rejects what cannot be sent: no such topic, no such partition, a value that its serde refuses, a record that the broker refuses', async () => {
    let refuses = false
    const { broker, orders } = await opened(({ operation }) => {
      if (refuses && operation === 'produce') throw new BrokerError('CODE', 'fatal', 'sabotage')
    })
    await expect(broker.topic('absent', ORDERS).send('a', { item: 'b' })).rejects.toMatchObject({
      code: 'TOPIC_MISSING',
    })
    await expect(orders.send('a', { item: 'b' }, { partition: 3 })).rejects.toThrow(
      'partitions 0 to 2, and no 3',
    )
    const numbers = broker.topic('orders', { ...ORDERS, valueSerde: serdes.int64() })
    await expect(numbers.send('a', 0.5)).rejects.toThrow()
    refuses = true
    await expect(orders.send('a', { item: 'b' })).rejects.toMatchObject({ code: 'CODE' })
    refuses = false
    // With another producer.
    await orders.send('a', { item: 'after' })
    expect((await all(orders)).map(({ value }) => value!.item)).toEqual(['after'])
  })

  it('what was sent before the broker is closed arrives', async () => {
    const { broker, orders } = await opened()
    const sending = orders.send('ann', { item: 'tea' })
    await eventually(async () => (await all(orders)).length === 1)
    await sending
    await broker.close()
    await expect(orders.send('ann', { item: 'tea' })).rejects.toThrow()
  })
})
