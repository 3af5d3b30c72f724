import { Buffer } from 'node:buffer'
import { bytesToMapKey, copyInto, EMPTY_BYTES, mapKeyToBytes, writeMapKey } from '../../common/bytes.ts'
import type { Serde, SerdeContext } from '../../serde/serde.ts'
import { ScratchBytes } from '../../common/scratch-bytes.ts'

/**
 * Keys in their four forms: as user code has them, serialised, as ids (serialised, a character for a byte:
 * keys of maps), and with the store's prefix as the engine has them.
 */
export class KeyCodec<K> {
  readonly prefix: Buffer
  readonly #serde: Serde<K>
  readonly #context: SerdeContext
  /** Memory for look-ups, which the engine answers before the next one. */
  readonly #scratch: ScratchBytes
  /** The id whose key `#scratch` has: a commit asks for the same key twice. */
  #lastId: string | undefined
  #lastKey: Uint8Array = EMPTY_BYTES

  constructor(serde: Serde<K>, context: SerdeContext, prefix: Uint8Array) {
    this.#serde = serde
    this.#context = context
    this.prefix = Buffer.from(prefix)
    this.#scratch = new ScratchBytes(prefix)
  }

  id(key: K): string {
    return bytesToMapKey(this.#serde.serialize(key, this.#context))
  }

  key(id: string): K {
    return this.#serde.deserialize(mapKeyToBytes(id), this.#context)
  }

  /**
   * The key of an entry. `alias`: the key as user code had it, which is used where the serde would read the
   * same from the bytes.
   */
  keyOf(id: string, alias: unknown): K {
    if (alias !== undefined && this.#serde.roundTrips?.(alias as K)) return alias as K
    return this.key(id)
  }

  /** The engine key, in memory of its own. */
  engineKey(id: string): Buffer {
    const bytes = Buffer.allocUnsafe(this.prefix.length + id.length)
    this.prefix.copy(bytes)
    bytes.write(id, this.prefix.length, 'latin1')
    return bytes
  }

  /** The engine key. Valid until the next call of this method, or of another that is valid as this one. */
  lookUpKey(id: string): Uint8Array {
    if (id === this.#lastId) return this.#lastKey
    const key = this.#scratch.ofLength(this.prefix.length + id.length)
    writeMapKey(key, id, this.prefix.length)
    this.#lastId = id
    this.#lastKey = key
    return key
  }

  /** The engine key of a serialised key. Valid as that of `lookUpKey`. */
  lookUpKeyOf(bytes: Uint8Array): Uint8Array {
    const key = this.#scratch.ofLength(this.prefix.length + bytes.length)
    this.#lastId = undefined
    copyInto(key, this.prefix.length, bytes)
    return key
  }

  /** The serialised key, as the changelog has it. Valid as that of `lookUpKey`. */
  changelogKey(id: string): Uint8Array {
    this.lookUpKey(id)
    return this.#scratch.behindPrefix
  }

  idOfEngineKey(engineKey: Uint8Array): string {
    return bytesToMapKey(engineKey.subarray(this.prefix.length))
  }
}
