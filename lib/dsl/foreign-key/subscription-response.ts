import { copyBytes, EMPTY_BYTES } from '../../common/bytes.ts'
import { StreamsError } from '../../common/errors/errors.ts'
import type { OpenSerde } from '../../serde/open-serde.ts'
import type { Serde, SerdeContext } from '../../serde/serde.ts'
import { hashAt, malformed } from './subscription.ts'

/** The answer of the right side to a subscription. */
export interface SubscriptionResponse<V = unknown> {
  /** Hash of the subscription. */
  readonly hash: Uint8Array | null
  /** The row of the right side; null: there is none. */
  readonly foreignValue: V | null
  /** Partition of the answer, which is not written. */
  readonly primaryPartition: number | undefined
}

const VERSION = 0
const NO_HASH = 0x80

/**
 * Serde of answers: `version and whether there is a hash ‖ hash? ‖ value?`. `inner` undefined: the default
 * value serde.
 */
export function subscriptionResponseSerde(
  inner: Serde<unknown> | undefined,
): OpenSerde<SubscriptionResponse> {
  return new ResponseSerde(inner)
}

class ResponseSerde implements OpenSerde<SubscriptionResponse> {
  readonly name = 'subscription-response'
  readonly #inner: Serde<unknown> | undefined

  constructor(inner: Serde<unknown> | undefined) {
    this.#inner = inner
  }

  withDefault(serde: Serde<unknown>): Serde<SubscriptionResponse> {
    return this.#inner ? this : new ResponseSerde(serde)
  }

  serialize({ hash, foreignValue }: SubscriptionResponse, context: SerdeContext): Uint8Array {
    const value = foreignValue === null ? EMPTY_BYTES : this.#innerOrThrow().serialize(foreignValue, context)
    const head = Uint8Array.of(hash ? VERSION : VERSION | NO_HASH)
    return Buffer.concat([head, hash ?? EMPTY_BYTES, value])
  }

  deserialize(bytes: Uint8Array, context: SerdeContext): SubscriptionResponse {
    const head = bytes[0] ?? 0x7f
    const valueAt = head & NO_HASH ? 1 : 17
    if ((head & 0x7f) !== VERSION || bytes.length < valueAt) throw malformed('response')
    const value = bytes.subarray(valueAt)
    return {
      hash: head & NO_HASH ? null : copyBytes(hashAt(bytes, 1)),
      // A value without bytes and no value look the same, as in Kafka Streams.
      foreignValue: value.length === 0 ? null : this.#innerOrThrow().deserialize(value, context),
      primaryPartition: undefined,
    }
  }

  #innerOrThrow(): Serde<unknown> {
    if (this.#inner) return this.#inner
    throw new StreamsError(
      'SERDE_MISSING',
      'the right table of a foreign-key join has no valueSerde: give it one, or set defaultValueSerde.',
    )
  }
}
