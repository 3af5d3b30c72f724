import { expect } from 'vitest'
import { EMPTY_BYTES, hex, utf8 } from '../../../lib/common/bytes.ts'
import type { RawRecord } from '../../../lib/broker/broker.ts'
import type { Scenario } from '../broker.ts'
import { numbered, record, valueText } from './stage.ts'

export function recordCases(scenario: Scenario): void {
  scenario('a record comes back as it was sent: key, value, timestamp, headers, offset', async stage => {
    const topic = await stage.topic()
    const producer = await stage.producer()
    const headers = [
      { key: 'b', value: utf8('1') },
      { key: 'a', value: null },
      { key: 'b', value: utf8('2') },
      { key: 'empty', value: EMPTY_BYTES },
    ]
    producer.send(record(topic, 'value', { key: utf8('key'), timestamp: 1_234_567_890_123, headers }))
    await producer.flush()

    const consumer = await stage.consumer()
    consumer.assign([{ topic, partition: 0, offset: 0 }])
    const [only, ...more] = await stage.read(consumer, 1)

    expect(more).toEqual([])
    expect(only && plain(only)).toEqual({
      offset: 0,
      timestamp: 1_234_567_890_123,
      key: hex(utf8('key')),
      value: hex(utf8('value')),
      headers: [
        ['b', '31'],
        ['a', stage.capabilities.nullHeaderValuesBecomeEmpty ? '' : null],
        ['b', '32'],
        ['empty', ''],
      ],
    })
  })

  scenario('null and empty keys and values stay apart', async stage => {
    const topic = await stage.topic()
    const producer = await stage.producer()
    const kinds = [
      { key: null, value: null },
      { key: EMPTY_BYTES, value: EMPTY_BYTES },
      { key: EMPTY_BYTES, value: null },
      { key: null, value: EMPTY_BYTES },
    ]
    for (const { key, value } of kinds) producer.send(record(topic, '', { key, value }))
    await producer.flush()

    const consumer = await stage.consumer()
    consumer.assign([{ topic, partition: 0, offset: 0 }])
    const records = (await stage.read(consumer, kinds.length)).map(plain)

    expect(records.map(({ key, value }) => [key, value])).toEqual([
      [null, null],
      ['', ''],
      ['', null],
      [null, ''],
    ])
  })

  scenario('small and large values come back byte for byte', async stage => {
    const topic = await stage.topic()
    const producer = await stage.producer()
    const sizes = [1, 47, 48, 49, 100, 8_192, 8_193, 65_536, 300_000]
    const values = sizes.map(size =>
      Uint8Array.from({ length: size }, (_, index) => (index * 31 + size) % 251),
    )
    for (const value of values) producer.send(record(topic, '', { key: value.subarray(0, 40), value }))
    await producer.flush()

    const consumer = await stage.consumer()
    consumer.assign([{ topic, partition: 0, offset: 0 }])
    const records = await stage.read(consumer, sizes.length)
    expect(records.map(each => each.value && hex(each.value))).toEqual(values.map(hex))
    expect(records.map(each => each.key && hex(each.key))).toEqual(
      values.map(value => hex(value.subarray(0, 40))),
    )
  })

  scenario('every partition keeps its order, with consecutive offsets', async stage => {
    const topic = await stage.topic(3)
    const producer = await stage.producer()
    for (const value of numbered(3000)) {
      producer.send(record(topic, value, { partition: Number(value.slice(1)) % 3 }))
    }
    await producer.flush()

    for (const partition of [0, 1, 2]) {
      const expected = numbered(3000).filter(value => Number(value.slice(1)) % 3 === partition)
      expect(await stage.values(topic, 'read_committed', partition)).toEqual(expected)
    }
    expect(await stage.end(topic)).toBe(1000)
  })

  scenario('bytes may be reused by the sender after a flush', async stage => {
    const topic = await stage.topic()
    const producer = await stage.producer()
    const shared = Buffer.from('first-second')
    producer.send(record(topic, '', { value: shared.subarray(0, 5) }))
    await producer.flush()
    shared.fill('x')

    expect(await stage.values(topic)).toEqual(['first'])
  })

  scenario('poll hands out no more than asked for, and gives every partition its turn', async stage => {
    const topic = await stage.topic(2)
    const producer = await stage.producer()
    for (const partition of [0, 1]) {
      for (const value of numbered(2000)) producer.send(record(topic, value, { partition }))
    }
    await producer.flush()
    const consumer = await stage.consumer()
    consumer.assign([0, 1].map(partition => ({ topic, partition, offset: 0 })))

    const seen = [0, 0]
    let lastOfFirstSeenAt = 0
    await stage.eventually('all records', async () => {
      await consumer.ready(50)
      const batches = consumer.poll(100)
      expect(batches.reduce((sum, batch) => sum + batch.records.length, 0)).toBeLessThanOrEqual(100)
      for (const batch of batches) seen[batch.partition] = (seen[batch.partition] ?? 0) + batch.records.length
      if (Math.max(...seen) === 2000 && lastOfFirstSeenAt === 0) lastOfFirstSeenAt = Math.min(...seen)
      return seen[0] === 2000 && seen[1] === 2000
    })
    expect(lastOfFirstSeenAt).toBeGreaterThan(0)
  })

  scenario('a consumer that waits is woken by a record, and by its timeout otherwise', async stage => {
    const topic = await stage.topic()
    const producer = await stage.producer()
    const consumer = await stage.consumer()
    consumer.assign([{ topic, partition: 0, offset: 0 }])
    await consumer.ready(10)
    const waiting = consumer.ready(60_000)
    producer.send(record(topic, 'late'))
    await producer.flush()
    await waiting

    expect((await stage.read(consumer, 1)).map(valueText)).toEqual(['late'])
  })
}

function plain({ offset, timestamp, key, value, headers }: RawRecord) {
  const hexOf = (bytes: Uint8Array | null) => bytes && hex(bytes)
  return {
    offset,
    timestamp,
    key: key && hex(key),
    value: hexOf(value),
    headers: headers.map(header => [header.key, hexOf(header.value)]),
  }
}
