import { Buffer } from 'node:buffer'
import { asBuffer, latin1Piece, writeMapKey } from '../../common/bytes.ts'
import { KeyCodec } from '../format/key-codec.ts'
import { ScratchBytes } from '../../common/scratch-bytes.ts'
import { readInt64, writeInt64, writeUint32 } from '../../common/int64.ts'
import type { Serde, SerdeContext } from '../../serde/serde.ts'

const TIME_BYTES = 8

/** Bytes of `suffix`: 4 for the number of a duplicate, 8 for the start of a session. */
export type SuffixBytes = 4 | 8

/**
 * Keys of entries in their formats. The changelog has `key ‖ time ‖ suffix`, byte for byte as Kafka Streams;
 * the engine, behind the store's prefix, `time ‖ key ‖ suffix`, so that entries that expire together stand
 * together.
 */
export class TimedKeyCodec<K> {
  readonly keys: KeyCodec<K>
  readonly #suffixBytes: SuffixBytes
  readonly #engineScratch: ScratchBytes
  readonly #changelogScratch = new ScratchBytes()

  constructor(serde: Serde<K>, context: SerdeContext, prefix: Uint8Array, suffixBytes: SuffixBytes) {
    this.keys = new KeyCodec(serde, context, prefix)
    this.#suffixBytes = suffixBytes
    this.#engineScratch = new ScratchBytes(prefix)
  }

  /** The changelog key. Valid until the next call. */
  changelogKey(id: string, time: number, suffix: number): Uint8Array {
    const bytes = this.#changelogScratch.ofLength(id.length + TIME_BYTES + this.#suffixBytes)
    writeMapKey(bytes, id, 0)
    writeInt64(bytes, id.length, time)
    this.#writeSuffix(bytes, suffix, id.length + TIME_BYTES)
    return bytes
  }

  /** The engine key. Valid until the next call. */
  lookUpKey(id: string, time: number, suffix: number): Uint8Array {
    const timeAt = this.keys.prefix.length
    const suffixAt = timeAt + TIME_BYTES + id.length
    const bytes = this.#engineScratch.ofLength(suffixAt + this.#suffixBytes)
    writeInt64(bytes, timeAt, time)
    writeMapKey(bytes, id, timeAt + TIME_BYTES)
    this.#writeSuffix(bytes, suffix, suffixAt)
    return bytes
  }

  /** The first engine key of that time or a later one. */
  engineBound(time: number): Buffer {
    const { prefix } = this.keys
    const bytes = Buffer.allocUnsafe(prefix.length + TIME_BYTES)
    prefix.copy(bytes)
    writeInt64(bytes, prefix.length, time)
    return bytes
  }

  /** The end of the store's range in the engine, behind all entries: the prefix ends in a zero byte. */
  get engineEnd(): Buffer {
    const end = Buffer.from(this.keys.prefix)
    end[end.length - 1]! += 1
    return end
  }

  /** The engine key without its prefix, a character for a byte. */
  engineId(id: string, time: number, suffix: number): string {
    return this.keys.idOfEngineKey(this.lookUpKey(id, time, suffix))
  }

  readEngineKey(engineKey: Uint8Array): {
    readonly id: string
    readonly time: number
    readonly suffix: number
  } {
    const bytes = asBuffer(engineKey)
    const timeAt = this.keys.prefix.length
    const suffixAt = bytes.length - this.#suffixBytes
    return {
      time: readInt64(bytes, timeAt),
      id: latin1Piece(bytes, timeAt + TIME_BYTES, suffixAt),
      suffix: this.#readSuffix(bytes, suffixAt),
    }
  }

  readChangelogKey(key: Uint8Array): { readonly id: string; readonly time: number; readonly suffix: number } {
    const bytes = asBuffer(key)
    const suffixAt = bytes.length - this.#suffixBytes
    const timeAt = suffixAt - TIME_BYTES
    return {
      time: readInt64(bytes, timeAt),
      id: latin1Piece(bytes, 0, timeAt),
      suffix: this.#readSuffix(bytes, suffixAt),
    }
  }

  #writeSuffix(bytes: Buffer, suffix: number, at: number): void {
    if (this.#suffixBytes === 4) writeUint32(bytes, at, suffix)
    else writeInt64(bytes, at, suffix)
  }

  #readSuffix(bytes: Buffer, at: number): number {
    return this.#suffixBytes === 4 ? bytes.readUInt32BE(at) : readInt64(bytes, at)
  }
}
