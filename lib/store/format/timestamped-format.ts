import { EMPTY_BYTES } from '../../common/bytes.ts'
import { serializeTransient } from '../../serde/transient-bytes.ts'
import type { Serde, SerdeContext } from '../../serde/serde.ts'
import type { ValueAndTimestamp } from '../contract/key-value-store.ts'
import type { ValueState } from './value-state.ts'
import { ScratchBytes } from '../../common/scratch-bytes.ts'
import {
  checkTimestamp,
  fillRow,
  headersEnd,
  timestampedRow,
  timestampOf,
  TIMESTAMP_BYTES,
} from './timestamped-row.ts'
import type { ValueFormat } from './value-format.ts'
import { keepPrimitive, keepsTyped } from './value-format.ts'

/**
 * The format of values with their times. The engine holds `timestamp (8 bytes, big-endian) ‖ value`, as
 * RocksDB does below Kafka Streams; the changelog holds the value, and its record the timestamp.
 */
export class TimestampedFormat<V> implements ValueFormat<ValueAndTimestamp<V>> {
  readonly #serde: Serde<V>
  readonly #context: SerdeContext
  readonly #scratch = new ScratchBytes()

  constructor(serde: Serde<V>, context: SerdeContext) {
    this.#serde = serde
    this.#context = context
  }

  write(state: ValueState, pair: ValueAndTimestamp<V>): void {
    checkTimestamp(pair.timestamp, this.#context)
    if (keepsTyped(this.#serde, pair.value)) {
      state.value = pair.value
      state.state = 'typed'
    } else {
      state.value = timestampedRow(this.#serde.serialize(pair.value, this.#context), pair.timestamp)
      state.state = 'bytes'
    }
    state.timestamp = pair.timestamp
  }

  read(state: ValueState): ValueAndTimestamp<V> | undefined {
    if (state.state === 'typed') return { value: state.value as V, timestamp: state.timestamp }
    if (state.state === 'absent') return undefined
    const bytes = (state.value as Uint8Array).subarray(TIMESTAMP_BYTES)
    const value = this.#serde.deserialize(bytes, this.#context)
    keepPrimitive(state, this.#serde, value)
    return { value, timestamp: state.timestamp }
  }

  load(state: ValueState, engineValue: Uint8Array): void {
    // Headers are left out: a row has some if the store kept them when it was written.
    const end = headersEnd(engineValue)
    state.setBytes(end === 0 ? engineValue : engineValue.subarray(end), timestampOf(engineValue))
  }

  changelogValue(state: ValueState): Uint8Array {
    if (state.state === 'bytes') return (state.value as Uint8Array).subarray(TIMESTAMP_BYTES)
    return serializeTransient(this.#serde, state.value as V, this.#context)
  }

  engineValue(state: ValueState, changelogValue: Uint8Array): Uint8Array {
    return state.state === 'bytes'
      ? (state.value as Uint8Array)
      : this.transientRow(changelogValue, state.timestamp)
  }

  fromChangelog(value: Uint8Array, timestamp: number): Uint8Array {
    return timestampedRow(value, timestamp)
  }

  rowHead(timestamp: number): Uint8Array {
    return fillRow(this.#scratch.ofLength(TIMESTAMP_BYTES), EMPTY_BYTES, timestamp)
  }

  transientRow(value: Uint8Array, timestamp: number): Uint8Array {
    return fillRow(this.#scratch.ofLength(TIMESTAMP_BYTES + value.length), value, timestamp)
  }
}
