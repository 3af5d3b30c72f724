import { describe, expect, it } from 'vitest'
import type { Logger } from '../../lib/common/logger.ts'
import { silentLogger } from '../../lib/common/logger.ts'
import {
  decodeOperatorTimes,
  decodePartitionTime,
  encodePartitionTime,
} from '../../lib/runtime/plan/offset-metadata.ts'
import { TaskTimes } from '../../lib/runtime/nodes/task-times.ts'

function metadataOf(times: { readonly [name: string]: number }, partitionTimeMs = -1): string {
  const task = new TaskTimes(silentLogger)
  for (const [name, timeMs] of Object.entries(times))
    task.keep({ name, currentMs: () => timeMs, ifRoom: false })
  return encodePartitionTime(partitionTimeMs, task.encode())
}

describe('times of operators in the metadata of committed offsets', () => {
  it('have the layout of Kafka Streams: count, and for each the name and a long', () => {
    const bytes = Buffer.from(metadataOf({ ab: 258 }, 1), 'base64')
    expect(bytes.toString('hex')).toBe(
      '02' + '0000000000000001' + '00000001' + '000000026162' + '0000000000000102',
    )
  })

  it('come back beside the partition time', () => {
    const metadata = metadataOf({ a: 0, 'b-ü': Number.MAX_SAFE_INTEGER }, 42)
    expect(decodePartitionTime(metadata)).toBe(42)
    expect(Object.fromEntries(decodeOperatorTimes(metadata))).toEqual({
      a: 0,
      'b-ü': Number.MAX_SAFE_INTEGER,
    })
  })

  it('nothing is read from metadata that is absent, old, cut short or somebody else’s', () => {
    const whole = Buffer.from(metadataOf({ name: 5 }), 'base64')
    const cuts = Array.from({ length: whole.length }, (_, end) => whole.subarray(0, end).toString('base64'))
    for (const metadata of [undefined, 'hello', encodePartitionTime(3), ...cuts]) {
      expect(decodeOperatorTimes(metadata).size).toBe(0)
    }
  })

  it('of several offsets, the latest time of each name counts; times below 0 are none', () => {
    const task = new TaskTimes(silentLogger)
    task.restore([metadataOf({ a: 5, b: 7 }), undefined, metadataOf({ a: 6, c: -1 })])
    expect(['a', 'b', 'c'].map(name => task.committedMs(name))).toEqual([6, 7, undefined])
  })

  it('what can be done without is left out, with a warning, where brokers would refuse the whole', () => {
    const warnings: string[] = []
    const logger: Logger = { log: (level, message) => void warnings.push(`${level} ${message}`) }
    const task = new TaskTimes(logger)
    for (let i = 0; i < 40; i += 1) {
      task.keep({ name: `${'x'.repeat(100)}${i}`, currentMs: () => i, ifRoom: i !== 39 })
    }
    const metadata = encodePartitionTime(1, task.encode())
    expect(metadata.length).toBeLessThan(4096)
    const kept = decodeOperatorTimes(metadata)
    expect(kept.get(`${'x'.repeat(100)}39`)).toBe(39)
    expect(kept.size).toBeLessThan(40)
    task.encode()
    expect(warnings).toHaveLength(1)
  })
})
