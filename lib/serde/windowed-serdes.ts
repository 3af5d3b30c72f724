import { Buffer } from 'node:buffer'
import { asBuffer, copyInto } from '../common/bytes.ts'
import { readInt64, writeInt64 } from '../common/int64.ts'
import type { TimeWindow, Windowed } from '../common/windowed.ts'
import { UNLIMITED_END_MS } from '../common/windowed.ts'
import { refuseAsyncSerde } from './open-serde.ts'
import { transientBytes, serializeTransient } from './transient-bytes.ts'
import type { Serde, SerdeContext } from './serde.ts'
import { SerdeError } from './serde-error.ts'

const TIME_BYTES = 8

/** Serde of keys in windows, around the key's own serde, which partitioners by the key alone use. */
export abstract class WindowedSerde<K> implements Serde<Windowed<K>> {
  readonly name: string
  readonly inner: Serde<K>
  /** Number of bytes behind the key's. */
  readonly windowBytes: number

  constructor(name: string, inner: Serde<K>, windowBytes: number) {
    this.name = `${name}(${inner.name})`
    refuseAsyncSerde(inner as Serde<unknown>)
    this.inner = inner
    this.windowBytes = windowBytes
  }

  serialize(windowed: Windowed<K>, context: SerdeContext): Uint8Array {
    this.#check(windowed, context)
    const key = this.inner.serialize(windowed.key, context)
    return this.#layOut(Buffer.allocUnsafe(key.length + this.windowBytes), key, windowed.window)
  }

  serializeTransient(windowed: Windowed<K>, context: SerdeContext): Uint8Array {
    this.#check(windowed, context)
    const key = serializeTransient(this.inner, windowed.key, context)
    return this.#layOut(transientBytes(key.length + this.windowBytes), key, windowed.window)
  }

  #check(windowed: Windowed<K>, context: SerdeContext): void {
    if (typeof windowed !== 'object' || windowed === null || !('window' in windowed)) {
      throw new SerdeError(
        'SERDE_TYPE',
        `serdes.${this.name} for "${context.topic}" writes keys in windows, { key, window: { startMs, endMs } }, ` +
          `but was given a ${typeof windowed} without a window`,
      )
    }
  }

  #layOut(bytes: Buffer, key: Uint8Array, window: TimeWindow): Uint8Array {
    this.writeWindow(bytes, copyInto(bytes, 0, key), window)
    return bytes
  }

  deserialize(bytes: Uint8Array, context: SerdeContext): Windowed<K> {
    const at = bytes.length - this.windowBytes
    if (at < 0) {
      throw new SerdeError(
        'SERDE_DATA',
        `serdes.${this.name} for "${context.topic}" reads a key and ${this.windowBytes} bytes of its window, ` +
          `but was given ${bytes.length} bytes`,
      )
    }
    const key = this.inner.deserialize(bytes.subarray(0, at), context)
    return { key, window: this.readWindow(asBuffer(bytes), at) }
  }

  protected abstract writeWindow(bytes: Buffer, at: number, window: TimeWindow): void
  protected abstract readWindow(bytes: Buffer, at: number): TimeWindow
}

/**
 * Serde of `key ‖ start`, as Kafka Streams' `TimeWindowedSerde`: the end is not written, so the size must be
 * known to the reader; `Infinity` for unlimited windows.
 */
export class TimeWindowedSerde<K> extends WindowedSerde<K> {
  readonly #sizeMs: number

  constructor(inner: Serde<K>, sizeMs: number) {
    super('windowed', inner, TIME_BYTES)
    if (!(sizeMs >= 0))
      throw new TypeError(`sizeMs is ${sizeMs}: it must be the size of the windows, at least 0`)
    this.#sizeMs = sizeMs
  }

  protected writeWindow(bytes: Buffer, at: number, window: TimeWindow): void {
    writeInt64(bytes, at, window.startMs)
  }

  protected readWindow(bytes: Buffer, at: number): TimeWindow {
    const startMs = readInt64(bytes, at)
    return { startMs, endMs: Math.min(startMs + this.#sizeMs, UNLIMITED_END_MS) }
  }
}

/**
 * Serde of `key ‖ end ‖ start`, as Kafka Streams' `SessionWindowedSerde`. Sessions never end at
 * `UNLIMITED_END_MS`, which would not fit.
 */
export class SessionWindowedSerde<K> extends WindowedSerde<K> {
  constructor(inner: Serde<K>) {
    super('sessionWindowed', inner, 2 * TIME_BYTES)
  }

  protected writeWindow(bytes: Buffer, at: number, { startMs, endMs }: TimeWindow): void {
    writeInt64(bytes, at, endMs)
    writeInt64(bytes, at + TIME_BYTES, startMs)
  }

  protected readWindow(bytes: Buffer, at: number): TimeWindow {
    return { startMs: readInt64(bytes, at + TIME_BYTES), endMs: readInt64(bytes, at) }
  }
}
