import { Buffer } from 'node:buffer'
import { asBuffer } from '../../common/bytes.ts'
import type { Serde, SerdeContext } from '../../serde/serde.ts'

/**
 * A key of a window or session store. `time` is what entries expire by: the start of a window, the end of a session; `minor`
 * tells apart what has the same time: the number of a duplicate, the start of a session.
 */
export interface TimedKey<K> {
  readonly time: number
  readonly key: K
  readonly minor: number
}

const TIME_BYTES = 8
const TWO_TO_32 = 0x1_0000_0000

/** How many bytes `minor` takes: a duplicate's number 4, a session's start 8. */
export type MinorBytes = 4 | 8

/** `time ‖ key ‖ minor`, so that what expires together stands together. The changelog has `key ‖ time ‖ minor`, as the JVM original. */
export class TimedKeySerde<K> implements Serde<TimedKey<K>> {
  readonly name: string
  readonly #serde: Serde<K>
  readonly #minorBytes: MinorBytes

  constructor(serde: Serde<K>, minorBytes: MinorBytes) {
    this.name = `timed(${serde.name})`
    this.#serde = serde
    this.#minorBytes = minorBytes
  }

  serialize({ time, key, minor }: TimedKey<K>, context: SerdeContext): Uint8Array {
    const keyBytes = this.#serde.serialize(key, context)
    const bytes = Buffer.allocUnsafe(TIME_BYTES + keyBytes.length + this.#minorBytes)
    writeTime(bytes, time, 0)
    bytes.set(keyBytes, TIME_BYTES)
    const at = TIME_BYTES + keyBytes.length
    if (this.#minorBytes === 4) bytes.writeUInt32BE(minor, at)
    else writeTime(bytes, minor, at)
    return bytes
  }

  deserialize(bytes: Uint8Array, context: SerdeContext): TimedKey<K> {
    const buffer = asBuffer(bytes)
    const at = bytes.length - this.#minorBytes
    return {
      time: readTime(buffer, 0),
      key: this.#serde.deserialize(bytes.subarray(TIME_BYTES, at), context),
      minor: this.#minorBytes === 4 ? buffer.readUInt32BE(at) : readTime(buffer, at),
    }
  }
}

/** `time ‖ key ‖ minor` as `key ‖ time ‖ minor`. */
export function toChangelogKey(bytes: Uint8Array, minorBytes: MinorBytes): Uint8Array {
  const key = Buffer.allocUnsafe(bytes.length)
  const timeAt = bytes.length - TIME_BYTES - minorBytes
  key.set(bytes.subarray(TIME_BYTES, TIME_BYTES + timeAt), 0)
  key.set(bytes.subarray(0, TIME_BYTES), timeAt)
  key.set(bytes.subarray(TIME_BYTES + timeAt), timeAt + TIME_BYTES)
  return key
}

export function fromChangelogKey(bytes: Uint8Array, minorBytes: MinorBytes): Uint8Array {
  const key = Buffer.allocUnsafe(bytes.length)
  const timeAt = bytes.length - TIME_BYTES - minorBytes
  key.set(bytes.subarray(timeAt, timeAt + TIME_BYTES), 0)
  key.set(bytes.subarray(0, timeAt), TIME_BYTES)
  key.set(bytes.subarray(timeAt + TIME_BYTES), TIME_BYTES + timeAt)
  return key
}

export function timeOf(changelogKey: Uint8Array, minorBytes: MinorBytes): number {
  return readTime(asBuffer(changelogKey), changelogKey.length - TIME_BYTES - minorBytes)
}

export function writeTime(bytes: Buffer, time: number, at: number): void {
  bytes.writeInt32BE(Math.floor(time / TWO_TO_32), at)
  bytes.writeUInt32BE(time % TWO_TO_32, at + 4)
}

export function readTime(bytes: Buffer, at: number): number {
  return bytes.readInt32BE(at) * TWO_TO_32 + bytes.readUInt32BE(at + 4)
}
