import { StreamsError } from '../../common/errors/errors.ts'
import type { OpenSerde } from '../../serde/open-serde.ts'
import type { Serde, SerdeContext } from '../../serde/serde.ts'
import { Change } from './change.ts'

/**
 * Last byte of a change, which tells its values. 3 to 5 are 0 to 2 with one more byte, before the last, for
 * versioned tables.
 */
const OLD = 0
const NEW = 1
const BOTH = 2

/**
 * Serde of changes in the repartition topic of a grouped table, in the layout of Kafka Streams (KIP-904):
 * `old ‖ 0`, `new ‖ 1`, or `zigzag varint length of new ‖ new ‖ old ‖ 2`. `inner` undefined: the default
 * value serde, which the runtime puts in.
 */
export function changeSerde<V>(inner: Serde<V> | undefined): OpenSerde<Change<V>> {
  return new ChangeSerde(inner)
}

class ChangeSerde<V> implements OpenSerde<Change<V>> {
  readonly name: string
  readonly #inner: Serde<V> | undefined

  constructor(inner: Serde<V> | undefined) {
    this.name = `change(${inner?.name ?? 'default'})`
    this.#inner = inner
  }

  withDefault(serde: Serde<unknown>): Serde<Change<V>> {
    return this.#inner ? this : new ChangeSerde(serde as Serde<V>)
  }

  serialize({ newValue, oldValue }: Change<V>, context: SerdeContext): Uint8Array {
    const inner = this.#innerOrThrow()
    if (newValue !== null && oldValue !== null) {
      return bothValues(inner.serialize(newValue, context), inner.serialize(oldValue, context))
    }
    if (newValue !== null) return flagged(inner.serialize(newValue, context), NEW)
    if (oldValue !== null) return flagged(inner.serialize(oldValue, context), OLD)
    throw malformed('a change without values cannot be written')
  }

  deserialize(bytes: Uint8Array, context: SerdeContext): Change<V> {
    const inner = this.#innerOrThrow()
    const flag = bytes.at(-1) ?? -1
    if (flag < 0 || flag > 5) throw malformed(`a change ends with ${flag}, which is no known layout`)
    const layout = flag % 3
    const body = bytes.subarray(0, bytes.length - (flag > BOTH ? 2 : 1))
    if (layout === NEW) return new Change(inner.deserialize(body, context), null)
    if (layout === OLD) return new Change<V>(null, inner.deserialize(body, context))
    const { value: length, next } = readVarint(body)
    const split = next + length
    if (length < 0 || split > body.length)
      throw malformed(`a change of ${bytes.length} bytes names a length of ${length}`)
    return new Change(
      inner.deserialize(body.subarray(next, split), context),
      inner.deserialize(body.subarray(split), context),
    )
  }

  #innerOrThrow(): Serde<V> {
    if (this.#inner) return this.#inner
    throw new StreamsError(
      'SERDE_MISSING',
      'the values of a grouped table have no serde: give groupBy a valueSerde, or set defaultValueSerde.',
    )
  }
}

function flagged(value: Uint8Array, flag: number): Uint8Array {
  const bytes = new Uint8Array(value.length + 1)
  bytes.set(value)
  bytes[value.length] = flag
  return bytes
}

function bothValues(newValue: Uint8Array, oldValue: Uint8Array): Uint8Array {
  const head = varint(newValue.length)
  const bytes = new Uint8Array(head.length + newValue.length + oldValue.length + 1)
  bytes.set(head)
  bytes.set(newValue, head.length)
  bytes.set(oldValue, head.length + newValue.length)
  bytes[bytes.length - 1] = BOTH
  return bytes
}

/**
 * A number as Kafka's signed varint: zigzag, seven bits a byte, lowest first. Lengths stay below 2^31, so
 * doubling is exact in a number.
 */
function varint(value: number): number[] {
  const bytes: number[] = []
  let rest = value * 2
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) + 0x80)
    rest = Math.floor(rest / 0x80)
  }
  bytes.push(rest)
  return bytes
}

function readVarint(bytes: Uint8Array): { value: number; next: number } {
  let raw = 0
  for (let i = 0; i < 5; i += 1) {
    const byte = bytes[i]
    if (byte === undefined) break
    raw += (byte & 0x7f) * 2 ** (7 * i)
    if (byte < 0x80) return { value: raw % 2 === 0 ? raw / 2 : -(raw + 1) / 2, next: i + 1 }
  }
  throw malformed('a change has no valid length')
}

function malformed(what: string): StreamsError {
  return new StreamsError(
    'MALFORMED_CHANGE',
    `${what}: has the topic records that this application did not write?`,
  )
}
