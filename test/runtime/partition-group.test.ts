import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { RawRecord } from '../../lib/broker/broker.ts'
import { silentLogger } from '../../lib/common/logger.ts'
import { Counter } from '../../lib/common/metrics/meter.ts'
import { failOnInvalidTimestamp } from '../../lib/processor/timestamp-extractor.ts'
import { PartitionGroup } from '../../lib/runtime/task/partition-group.ts'
import { RecordQueue } from '../../lib/runtime/task/record-queue.ts'
import { serdes } from '../../lib/serde/serdes.ts'

function queue(topic: string): RecordQueue {
  return new RecordQueue({
    taskId: '0_0',
    topic,
    partition: 0,
    keySerde: serdes.bytes(),
    valueSerde: serdes.bytes(),
    timestampExtractor: failOnInvalidTimestamp,
    onDeserializationError: () => 'fail',
    logger: silentLogger,
    dropped: new Counter(),
  })
}

function batch(topic: string, first: number, timestamps: readonly number[]) {
  const records: RawRecord[] = timestamps.map((timestamp, at) => ({
    key: null,
    value: null,
    timestamp,
    offset: first + at,
    headers: [],
  }))
  return { topic, partition: 0, records, nextOffset: first + timestamps.length }
}

const known = () => 0

describe('partition group', () => {
  it('takes the lowest head, keeps each partition in order, and never lets stream time fall (any input)', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(fc.nat(50), { maxLength: 12 }), { minLength: 1, maxLength: 6 }),
        partitions => {
          const group = new PartitionGroup(
            partitions.map((_, at) => queue(`t${at}`)),
            -1,
          )
          partitions.forEach((timestamps, at) => group.add(batch(`t${at}`, 0, timestamps)))
          const left = partitions.map(timestamps => [...timestamps])
          let streamTimeMs = -1
          while (group.hasRecords()) {
            const heads = left.flatMap(timestamps => timestamps.slice(0, 1))
            const record = group.take()
            expect(record.timestamp).toBe(Math.min(...heads))
            expect(left[Number(record.topic.slice(1))]!.shift()).toBe(record.timestamp)
            streamTimeMs = Math.max(streamTimeMs, record.timestamp)
            expect(group.streamTimeMs).toBe(streamTimeMs)
          }
          expect(left.flat()).toEqual([])
        },
      ),
    )
  })

  it('waits for a partition that is known to have more (maxTaskIdleMs 0), and not at all with -1', () => {
    for (const [idleMs, ready] of [
      [0, false],
      [-1, true],
    ] as const) {
      const group = new PartitionGroup([queue('a'), queue('b')], idleMs)
      group.add(batch('a', 0, [1]))
      expect(group.isReady(0, () => 3)).toBe(ready)
      expect(group.isReady(0, () => undefined)).toBe(ready)
      expect(group.isReady(0, known)).toBe(true)
    }
  })

  it('waits so long for what is not there yet, and begins anew when the partition was filled in between', () => {
    const group = new PartitionGroup([queue('a'), queue('b')], 100)
    group.add(batch('a', 0, [1, 2, 3]))
    expect(group.isReady(1000, known)).toBe(false)
    expect(group.isReady(1099, known)).toBe(false)
    expect(group.isReady(1100, known)).toBe(true)
    group.add(batch('b', 0, [0]))
    expect(group.isReady(1100, known)).toBe(true)
    expect(group.take().topic).toBe('b')
    expect(group.isReady(1150, known)).toBe(false)
    expect(group.isReady(1250, known)).toBe(true)
  })

  it('commits the offset of the next record, or the position behind all that came', () => {
    const only = queue('a')
    const group = new PartitionGroup([only], 0)
    expect(only.nextOffset).toBeUndefined()
    // Behind the last record lies a marker.
    group.add({ ...batch('a', 5, [1, 2]), nextOffset: 8 })
    expect(only.nextOffset).toBe(5)
    group.take()
    expect(only.nextOffset).toBe(6)
    group.take()
    expect(only.nextOffset).toBe(8)
  })
})
