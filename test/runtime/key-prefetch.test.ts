import { Buffer } from 'node:buffer'
import { expect, test } from 'vitest'
import type { RawRecord } from '../../lib/broker/broker.ts'
import { FetchedRecord } from '../../lib/broker/kafka/protocol/records/fetched-record.ts'
import { NO_HEADERS } from '../../lib/common/headers.ts'
import { silentLogger } from '../../lib/common/logger.ts'
import { Counter } from '../../lib/common/metrics/meter.ts'
import { KeyPrefetch } from '../../lib/runtime/task/key-prefetch.ts'
import { RecordQueue } from '../../lib/runtime/task/record-queue.ts'
import { bytesSerde } from '../../lib/serde/bytes-serde.ts'
import type { Serde } from '../../lib/serde/serde.ts'
import { stringSerde } from '../../lib/serde/string-serde.ts'
import { PREFETCH_GROUP, type KeyTexts } from '../../lib/store/contract/prefetching-store.ts'
import type { StateStore } from '../../lib/store/contract/state-store.ts'

const buffer = Buffer.from('key')

/** Notes the groups that it is told of; `share` of each is found. */
class Subject {
  readonly groups: number[] = []
  share = 1

  prefetch(keys: readonly unknown[], start: number, texts: KeyTexts): number {
    this.groups.push(start)
    texts[0] = `first of ${start}`
    return this.share * Math.min(PREFETCH_GROUP, keys.length - start)
  }
}

function stores(...subjects: object[]): ReadonlyMap<string, StateStore> {
  return new Map(subjects.map((subject, number) => [`store-${number}`, subject as StateStore]))
}

function fetched(count: number): RawRecord[] {
  return Array.from({ length: count }, (_, offset) => new FetchedRecord(buffer, 0, 3, 3, 3, 0, offset, -1))
}

function goThrough(prefetch: KeyPrefetch, records: readonly RawRecord[]): void {
  for (let index = 0; index < records.length; index += 1) prefetch.ahead(records, index)
}

test('key prefetch: tells every store that can of each group once, at its first record', () => {
  const [one, other] = [new Subject(), new Subject()]
  const prefetch = new KeyPrefetch(stores(one, {}, other))
  const records = fetched(2 * PREFETCH_GROUP + 3)
  prefetch.ahead(records, 0)
  expect(one.groups).toEqual([0])
  goThrough(prefetch, records)
  expect(one.groups).toEqual([0, 0, PREFETCH_GROUP, 2 * PREFETCH_GROUP])
  expect(other.groups).toEqual(one.groups)
})

test('key prefetch: leaves a store alone that has not got the keys, and tries it again later', () => {
  const [keyed, other] = [new Subject(), new Subject()]
  other.share = 0
  const prefetch = new KeyPrefetch(stores(keyed, other))
  const groups = 100
  goThrough(prefetch, fetched(groups * PREFETCH_GROUP))
  expect(keyed.groups).toHaveLength(groups)
  expect(other.groups).toHaveLength(2)
  // It has them by then.
  other.share = 0.5
  other.groups.length = 0
  goThrough(prefetch, fetched(groups * PREFETCH_GROUP))
  expect(other.groups.length).toBeGreaterThan(groups / 4)
})

test('key prefetch: hands out what a store knows of a group, and nothing of another group', () => {
  const prefetch = new KeyPrefetch(stores(new Subject()))
  const records = fetched(PREFETCH_GROUP + 2)
  const known = records.map((_, index) => prefetch.ahead(records, index))
  expect(known.filter(text => text !== undefined)).toEqual(['first of 0', `first of ${PREFETCH_GROUP}`])
  expect([known[0], known[PREFETCH_GROUP]]).toEqual(['first of 0', `first of ${PREFETCH_GROUP}`])
  const loose: RawRecord = { offset: 0, timestamp: 0, key: buffer, value: null, headers: NO_HEADERS }
  expect(prefetch.ahead([loose], 0)).toBeUndefined()
})

test('record queue: a text that a store knows stands for the bytes of a key, if the serde would make the same of them', () => {
  const upper: Serde<string> = { ...stringSerde, name: 'upper', readsAscii: false }
  const keysRead = [stringSerde, upper].map(keySerde => {
    const queue = new RecordQueue({
      ...{ taskId: '0_0', topic: 'topic', partition: 0, keySerde, valueSerde: bytesSerde },
      timestampExtractor: record => record.timestamp,
      onDeserializationError: () => 'fail',
      logger: silentLogger,
      dropped: new Counter(),
      prefetch: new KeyPrefetch(stores(new Subject())),
    })
    queue.add({ topic: 'topic', partition: 0, records: fetched(3), nextOffset: 3 })
    return [queue.take(), queue.take(), queue.take()].map(({ key }) => key)
  })
  expect(keysRead).toEqual([
    ['first of 0', 'key', 'key'],
    ['key', 'key', 'key'],
  ])
})

test('key prefetch: a few records at a time are as good as many', () => {
  const subject = new Subject()
  const prefetch = new KeyPrefetch(stores(subject))
  for (let chunk = 0; chunk < 10; chunk += 1) goThrough(prefetch, fetched(3))
  expect(subject.groups).toEqual(Array.from({ length: 10 }, () => 0))
})

test('key prefetch: records that are no part of a buffer are left alone', () => {
  const subject = new Subject()
  const record: RawRecord = { offset: 0, timestamp: 0, key: buffer, value: null, headers: NO_HEADERS }
  goThrough(new KeyPrefetch(stores(subject)), [record, record])
  expect(subject.groups).toEqual([])
})
