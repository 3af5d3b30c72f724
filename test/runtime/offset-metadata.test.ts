import { describe, expect, it } from 'vitest'
import { decodePartitionTime, encodePartitionTime } from '../../lib/runtime/plan/offset-metadata.ts'

describe('partition time in the metadata of committed offsets', () => {
  it('has the layout of Kafka Streams: magic 2, then the time as a long, in base64', () => {
    expect(encodePartitionTime(1_700_000_000_000)).toBe(
      Buffer.from('020000018bcfe56800', 'hex').toString('base64'),
    )
  })

  it.each([-1, 0, 1, Number.MAX_SAFE_INTEGER])('comes back: %d', timeMs => {
    expect(decodePartitionTime(encodePartitionTime(timeMs))).toBe(timeMs)
  })

  it('reads magic 1, and nothing from what is somebody else’s', () => {
    expect(decodePartitionTime(Buffer.from('01000000000000002a', 'hex').toString('base64'))).toBe(42)
    for (const metadata of [undefined, '', 'hello', 'AAAA']) expect(decodePartitionTime(metadata)).toBe(-1)
  })
})
