import type { Serde } from '../../serde/serde.ts'

/** A value that was read, and the length of its bytes. */
export interface SizedValue<V> {
  readonly value: V
  readonly sizeBytes: number
}

/** Reads values for many readers at once: frozen, and with their size. */
export function sizedSerde<V>(serde: Serde<V>): Serde<SizedValue<V>> {
  return {
    name: serde.name,
    serialize: ({ value }, context) => serde.serialize(value, context),
    deserialize: (bytes, context) => ({
      value: frozen(serde.deserialize(bytes, context)),
      sizeBytes: bytes.length,
    }),
  }
}

/** Freezes plain objects and arrays, and all that is in them. Others look after themselves. */
export function frozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  const prototype: unknown = Object.getPrototypeOf(value)
  if (!Array.isArray(value) && prototype !== Object.prototype && prototype !== null) return value
  Object.freeze(value)
  for (const each of Object.values(value)) frozen(each)
  return value
}
