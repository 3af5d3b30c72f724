import { bytesToMapKey } from '../../common/bytes.ts'
import { ConfigError, errorFrom } from '../../common/errors/errors.ts'
import type { RecordContext } from '../../common/record-context.ts'
import type { ProcessorContext } from '../../processor/processor-context.ts'
import type { Record } from '../../processor/record.ts'
import { resolveSerde } from '../../serde/open-serde.ts'
import type { Serde, SerdeContext } from '../../serde/serde.ts'
import { SerdePendingError } from '../../serde/serde-pending-error.ts'
import type { AsyncInput } from './input-format.ts'
import type { PendingCall } from './pending-call.ts'

export interface AsyncInputsOptions {
  readonly nodeName: string
  readonly keySerde: Serde<unknown> | undefined
  readonly valueSerde: Serde<unknown> | undefined
  /** The changelog in which inputs wait. */
  readonly changelogTopic: string
}

/** Inputs of an asynchronous operator as bytes, which a record becomes at its arrival, and back. */
export class AsyncInputs<K, V> {
  readonly #keySerde: Serde<unknown>
  readonly #valueSerde: Serde<unknown>
  readonly #serdeContext: SerdeContext
  #latest: RecordContext | undefined
  #ordinal = 0

  /** Throws `SERDE_MISSING`. */
  constructor(options: AsyncInputsOptions, context: ProcessorContext) {
    const { nodeName, keySerde, valueSerde, changelogTopic } = options
    this.#serdeContext = { topic: changelogTopic }
    this.#keySerde = resolveSerde(keySerde, context.defaultKeySerde) ?? missing(nodeName, 'key')
    this.#valueSerde = resolveSerde(valueSerde, context.defaultValueSerde) ?? missing(nodeName, 'value')
  }

  inputOf(record: Record<K, V>, context: RecordContext): AsyncInput {
    const key = this.#bytes(this.#keySerde, record.key)
    const value = this.#bytes(this.#valueSerde, record.value)
    return { key, value, context, ordinal: this.#ordinalOf(context) }
  }

  /** For people: its bytes where they cannot be read. */
  keyOf({ key }: AsyncInput): unknown {
    try {
      return this.#object(this.#keySerde, key)
    } catch {
      return key
    }
  }

  /** Undefined for an input without key. */
  laneOf({ key }: AsyncInput): string | undefined {
    return key === null ? undefined : bytesToMapKey(key)
  }

  /**
   * Calls with the input's record, which is read first where only its bytes are there; where that has to wait
   * for a schema, the call does, too. `unreadable`: what the call fails with where the bytes make no sense.
   */
  callWith<R>(
    input: PendingCall<K, V, R>,
    call: () => PromiseLike<R>,
    unreadable: (error: Error) => Error = error => error,
  ): PromiseLike<R> {
    if (input.record) return call()
    try {
      const key = this.#object(this.#keySerde, input.input.key) as K
      const value = this.#object(this.#valueSerde, input.input.value) as V
      input.record = { key, value }
    } catch (error) {
      if (!(error instanceof SerdePendingError)) throw unreadable(errorFrom(error))
      return error.settled.then(() => this.callWith(input, call, unreadable))
    }
    return call()
  }

  /** Several inputs of one source record come one after the other. */
  #ordinalOf(context: RecordContext): number {
    const latest = this.#latest
    const isSame =
      latest !== undefined &&
      latest.offset === context.offset &&
      latest.partition === context.partition &&
      latest.topic === context.topic
    this.#latest = context
    this.#ordinal = isSame ? this.#ordinal + 1 : 0
    return this.#ordinal
  }

  #bytes(serde: Serde<unknown>, value: unknown): Uint8Array | null {
    return value === null || value === undefined ? null : serde.serialize(value, this.#serdeContext)
  }

  #object(serde: Serde<unknown>, bytes: Uint8Array | null): unknown {
    return bytes === null ? null : serde.deserialize(bytes, this.#serdeContext)
  }
}

function missing(nodeName: string, part: 'key' | 'value'): never {
  throw new ConfigError(
    'SERDE_MISSING',
    `the asynchronous operator "${nodeName}" has no ${part}Serde for inputs that wait while the application commits: give it one, ` +
      `or set default${part === 'key' ? 'Key' : 'Value'}Serde`,
  )
}
