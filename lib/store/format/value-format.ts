import type { Header } from '../../common/headers.ts'
import { NO_HEADERS } from '../../common/headers.ts'
import type { RecordContext } from '../../common/record-context.ts'
import type { Serde } from '../../serde/serde.ts'
import type { ValueAndTimestamp } from '../contract/key-value-store.ts'
import type { ChangelogRecord } from '../contract/state-store.ts'
import { ValueState } from './value-state.ts'

/** A record's headers, which are decoded only when asked for. */
export interface RecordHeaders {
  readonly headers: readonly Header[]
}

/**
 * The forms of a store's values for user code, the engine and the changelog. Primitives that their serde
 * calls safe stay as they are until the commit; other values are bytes from `write` on, so that no object of
 * the user's is ever kept.
 */
export interface ValueFormat<V> {
  /** Puts a user's value into the state. */
  write(state: ValueState, value: V, record: { recordContext(): RecordContext }): void
  /** The user's value; undefined where there is none. A state of bytes may become a typed one. */
  read(state: ValueState): V | undefined
  /** Puts a row of the engine into the state. */
  load(state: ValueState, engineValue: Uint8Array): void
  /**
   * The value of the changelog record; only for a state that has a value. Valid until something else is
   * serialised.
   */
  changelogValue(state: ValueState): Uint8Array
  /**
   * The row for the engine; `changelogValue` is this state's, and both may share memory. Valid until the next
   * call.
   */
  engineValue(state: ValueState, changelogValue: Uint8Array): Uint8Array
  /**
   * The row for the engine of a changelog record. It owns its memory: those records are slices of a fetch
   * buffer.
   */
  fromChangelog(value: Uint8Array, timestamp: number, record: RecordHeaders): Uint8Array
  /** The row of `fromChangelog`, valid until the next call: for an engine that copies it at once. */
  transientRow(value: Uint8Array, timestamp: number, record: RecordHeaders): Uint8Array
  /**
   * The bytes of a row before the changelog's value; valid until the next call. Without the method a row is
   * more than these and the value.
   */
  rowHead?(timestamp: number): Uint8Array
  /** Headers of the changelog record; without the method it has none. */
  headersOf?(state: ValueState): readonly Header[]
}

export function changelogHeaders<V>(values: ValueFormat<V>, state: ValueState): readonly Header[] {
  return values.headersOf ? values.headersOf(state) : NO_HEADERS
}

/** The changelog record of an engine's row; a row without a time of its own gets this one. */
export function changelogRecord<V>(
  values: ValueFormat<V>,
  key: Uint8Array,
  row: Uint8Array,
  timestamp: number,
): ChangelogRecord {
  const state = new ValueState()
  state.timestamp = timestamp
  values.load(state, row)
  const value = values.changelogValue(state)
  return { key, value, timestamp: state.timestamp, headers: changelogHeaders(values, state) }
}

/** Whether the value is a primitive that may stand for its bytes. */
export function keepsTyped<T>(serde: Serde<T>, value: T): boolean {
  return typeof value !== 'object' && serde.roundTrips !== undefined && serde.roundTrips(value)
}

/** Puts a value that was just deserialised in the place of its bytes, if it may stand for them. */
export function keepPrimitive<T>(state: ValueState, serde: Serde<T>, value: T): void {
  if (!keepsTyped(serde, value)) return
  state.value = value
  state.state = 'typed'
}

/** Heap bytes of a state's value beyond its entry. */
export function valueBytes(state: ValueState): number {
  const value = state.value
  if (state.state === 'bytes') return (value as Uint8Array).length + 96
  return typeof value === 'string' ? value.length : 0
}

/**
 * Whether a put with this value deletes. A pair around null is null, as for `ValueAndTimestamp.make` of Kafka
 * Streams.
 */
export function isDeletion(value: unknown): boolean {
  if (value === null) return true
  return typeof value === 'object' && (value as Partial<ValueAndTimestamp<unknown>>).value === null
}
