/**
 * The hash by which Kafka's Java client, and so Kafka Streams, chooses the partition of a key: MurmurHash2
 * with seed 0x9747b28c (`org.apache.kafka.common.utils.Utils.murmur2`). The result is a signed 32-bit
 * integer. `length`: of the first bytes, which count.
 */
export function murmur2(data: Uint8Array, length = data.length): number {
  const m = 0x5bd1e995
  let h = 0x9747b28c ^ length
  const blocks = length >> 2
  for (let i = 0; i < blocks; i += 1) {
    const at = i << 2
    let k = data[at]! | (data[at + 1]! << 8) | (data[at + 2]! << 16) | (data[at + 3]! << 24)
    k = Math.imul(k, m)
    k ^= k >>> 24
    h = Math.imul(h, m) ^ Math.imul(k, m)
  }
  const tail = blocks << 2
  switch (length & 3) {
    case 3:
      h ^= data[tail + 2]! << 16
    // falls through
    case 2:
      h ^= data[tail + 1]! << 8
    // falls through
    case 1:
      h = Math.imul(h ^ data[tail]!, m)
  }
  h ^= h >>> 13
  h = Math.imul(h, m)
  return h ^ (h >>> 15)
}

/**
 * The partition of a key among `partitionCount`, as `DefaultPartitioner` and `BuiltInPartitioner` choose it.
 * `length`: bytes of the key, where more bytes follow it.
 */
export function partitionForKey(key: Uint8Array, partitionCount: number, length = key.length): number {
  return (murmur2(key, length) & 0x7fffffff) % partitionCount
}
