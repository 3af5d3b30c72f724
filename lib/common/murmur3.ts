const C1 = 0x87c37b91114253d5n
const C2 = 0x4cf5ad432745937fn
const SEED = 104729n

/**
 * MurmurHash3, x64, 128 bits, with the seed of the JVM original (`Murmur3.hash128`): by it, foreign-key joins tell whether an
 * answer is for the row that is there now. 16 bytes, both halves big-endian, as they go into its topics.
 */
export function murmur3(data: Uint8Array): Uint8Array {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength)
  const whole = data.length & ~15
  let h1 = SEED
  let h2 = SEED
  for (let at = 0; at < whole; at += 16) {
    h1 ^= mixFirst(view.getBigUint64(at, true))
    h1 = wrap((rotate(h1, 27n) + h2) * 5n + 0x52dce729n)
    h2 ^= mixSecond(view.getBigUint64(at + 8, true))
    h2 = wrap((rotate(h2, 31n) + h1) * 5n + 0x38495ab5n)
  }
  h2 ^= mixSecond(rest(data, whole + 8, data.length))
  h1 ^= mixFirst(rest(data, whole, Math.min(data.length, whole + 8)))
  return finished(h1, h2, BigInt(data.length))
}

function finished(first: bigint, second: bigint, length: bigint): Uint8Array {
  let h1 = first ^ length
  let h2 = second ^ length
  h1 = wrap(h1 + h2)
  h2 = wrap(h2 + h1)
  h1 = avalanche(h1)
  h2 = avalanche(h2)
  h1 = wrap(h1 + h2)
  h2 = wrap(h2 + h1)
  const hash = new Uint8Array(16)
  const view = new DataView(hash.buffer)
  view.setBigUint64(0, h1)
  view.setBigUint64(8, h2)
  return hash
}

/** The bytes after the last whole block, little-endian; 0, which mixes to 0, if there are none. */
function rest(data: Uint8Array, from: number, to: number): bigint {
  let value = 0n
  for (let at = to - 1; at >= from; at -= 1) value = (value << 8n) | BigInt(data[at] ?? 0)
  return value
}

function mixFirst(k: bigint): bigint {
  return wrap(rotate(wrap(k * C1), 31n) * C2)
}

function mixSecond(k: bigint): bigint {
  return wrap(rotate(wrap(k * C2), 33n) * C1)
}

function avalanche(value: bigint): bigint {
  let h = value
  h = wrap((h ^ (h >> 33n)) * 0xff51afd7ed558ccdn)
  h = wrap((h ^ (h >> 33n)) * 0xc4ceb9fe1a85ec53n)
  return h ^ (h >> 33n)
}

function rotate(value: bigint, bits: bigint): bigint {
  return wrap(value << bits) | (value >> (64n - bits))
}

function wrap(value: bigint): bigint {
  return BigInt.asUintN(64, value)
}
