import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { OutgoingRecord } from '../../lib/broker/broker.ts'
import { Counter } from '../../lib/common/metrics/meter.ts'
import { partitionForKey } from '../../lib/common/hash/murmur2.ts'
import type { Windowed } from '../../lib/common/windowed.ts'
import { keyPartitioner } from '../../lib/dsl/kit/key-partitioner.ts'
import { Record } from '../../lib/processor/record.ts'
import { RecordCollector } from '../../lib/runtime/nodes/record-collector.ts'
import type { Serde } from '../../lib/serde/serde.ts'
import { serdes } from '../../lib/serde/serdes.ts'

const PARTITIONS = 17
const string = serdes.string()

/** The partition to which a task sends this key. */
function partitionOf(keySerde: Serde<Windowed<string>>, key: Windowed<string>): number {
  const sent: OutgoingRecord[] = []
  const collector = new RecordCollector({
    applicationId: 'app',
    nowMs: () => 0,
    taskId: '0_0',
    sink: { copies: true, send: record => void sent.push(record) },
    partitionCounts: () => PARTITIONS,
    onProductionError: () => 'fail',
    deadLetterQueueTopic: undefined,
    dropped: new Counter(),
  })
  const partitioner = keyPartitioner(keySerde as Serde<unknown>)
  const format = { keySerde: keySerde as Serde<unknown>, valueSerde: string as Serde<unknown>, partitioner }
  collector.send('out', new Record<unknown, unknown>(key, 'value', 0), format)
  return sent[0]!.partition
}

test('a window, and a session, go to the partition of their key', () => {
  const [windowed, session] = [serdes.windowed(string, 60_000), serdes.sessionWindowed(string)]
  fc.assert(
    fc.property(fc.string({ maxLength: 70 }), fc.nat(), fc.nat(), (key, startMs, lengthMs) => {
      const expected = partitionForKey(string.serialize(key, { topic: 'out' }), PARTITIONS)
      const window = { startMs, endMs: startMs + lengthMs }
      expect(partitionOf(windowed, { key, window })).toBe(expected)
      expect(partitionOf(session, { key, window })).toBe(expected)
      const partitioner = keyPartitioner(windowed as Serde<unknown>)!
      expect(partitioner('value', { key, window }, 'out', PARTITIONS)).toBe(expected)
    }),
  )
})
