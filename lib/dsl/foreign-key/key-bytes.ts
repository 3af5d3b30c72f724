import { ConfigError } from '../../common/errors/errors.ts'
import { resolveSerde } from '../../serde/open-serde.ts'
import type { Serde } from '../../serde/serde.ts'

/**
 * Serialises keys for the join itself, under a topic name that is no topic: serdes with a registry need one.
 */
export class KeyBytes {
  readonly #serde: Serde<unknown>
  readonly #context: { readonly topic: string }

  /** `what`: the key in messages. */
  constructor(
    own: Serde<unknown> | undefined,
    byDefault: Serde<unknown> | undefined,
    what: string,
    pseudoTopic: string,
  ) {
    const serde = resolveSerde(own, byDefault)
    if (!serde) {
      throw new ConfigError(
        'SERDE_MISSING',
        `the ${what} of a foreign-key join has no serde: give the table one, or set the application's default.`,
      )
    }
    this.#serde = serde
    this.#context = { topic: pseudoTopic }
  }

  write(value: unknown): Uint8Array {
    return this.#serde.serialize(value, this.#context)
  }

  read(bytes: Uint8Array): unknown {
    return this.#serde.deserialize(bytes, this.#context)
  }
}

/**
 * Prefix of a foreign key's subscriptions, `length (4) ‖ foreign key`: with the length no prefix is the
 * beginning of another.
 */
export function subscriptionPrefix(foreignKey: Uint8Array): Uint8Array {
  const bytes = Buffer.allocUnsafe(4 + foreignKey.length)
  bytes.writeInt32BE(foreignKey.length)
  bytes.set(foreignKey, 4)
  return bytes
}

/** The key of the subscription store: the prefix and the primary key. */
export function subscriptionKey(foreignKey: Uint8Array, primaryKey: Uint8Array): Uint8Array {
  return Buffer.concat([subscriptionPrefix(foreignKey), primaryKey])
}
