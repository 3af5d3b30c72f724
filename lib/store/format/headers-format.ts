import { Buffer } from 'node:buffer'
import { asBuffer, copyBytes, utf8, utf8Text } from '../../common/bytes.ts'
import type { Header } from '../../common/headers.ts'
import { NO_HEADERS } from '../../common/headers.ts'
import type { RecordContext } from '../../common/record-context.ts'
import type { Serde, SerdeContext } from '../../serde/serde.ts'
import type { ValueAndTimestamp } from '../contract/key-value-store.ts'
import type { ValueState } from './value-state.ts'
import {
  checkTimestamp,
  headersEnd,
  timestampedRow,
  timestampOf,
  TIMESTAMP_BYTES,
  WITH_HEADERS,
} from './timestamped-row.ts'
import type { RecordHeaders, ValueFormat } from './value-format.ts'

const NULL_LENGTH = -1

/**
 * Values with their times and the headers of the record that wrote them (KIP-1271). In the changelog the
 * headers are those of the record. In the engine a row with headers is
 * `1 ‖ length of the headers (4) ‖ headers ‖ timestamped row`, one without is a timestamped row alone: such
 * rows begin with 0, so that both formats read what the other has written, and a store can change over and
 * back.
 */
export class HeadersFormat<V> implements ValueFormat<ValueAndTimestamp<V>> {
  readonly #serde: Serde<V>
  readonly #context: SerdeContext

  constructor(serde: Serde<V>, context: SerdeContext) {
    this.#serde = serde
    this.#context = context
  }

  write(
    state: ValueState,
    { value, timestamp }: ValueAndTimestamp<V>,
    record: { recordContext(): RecordContext },
  ): void {
    checkTimestamp(timestamp, this.#context)
    const { headers } = record.recordContext()
    state.setBytes(layOut(this.#serde.serialize(value, this.#context), timestamp, headers), timestamp)
  }

  read(state: ValueState): ValueAndTimestamp<V> | undefined {
    if (state.state === 'absent') return undefined
    const value = this.#serde.deserialize(this.changelogValue(state), this.#context)
    const headers = this.headersOf(state)
    const { timestamp } = state
    return headers.length > 0 ? { value, timestamp, headers } : { value, timestamp }
  }

  load(state: ValueState, engineValue: Uint8Array): void {
    state.setBytes(engineValue, timestampOf(engineValue))
  }

  changelogValue(state: ValueState): Uint8Array {
    const row = state.value as Uint8Array
    return row.subarray(headersEnd(row) + TIMESTAMP_BYTES)
  }

  headersOf(state: ValueState): readonly Header[] {
    return state.state === 'bytes' ? readHeaders(state.value as Uint8Array) : NO_HEADERS
  }

  engineValue(state: ValueState): Uint8Array {
    return state.value as Uint8Array
  }

  fromChangelog(value: Uint8Array, timestamp: number, record: RecordHeaders): Uint8Array {
    return layOut(value, timestamp, record.headers)
  }

  transientRow(value: Uint8Array, timestamp: number, record: RecordHeaders): Uint8Array {
    return layOut(value, timestamp, record.headers)
  }
}

function layOut(value: Uint8Array, timestamp: number, headers: readonly Header[]): Uint8Array {
  if (headers.length === 0) return timestampedRow(value, timestamp)
  const head = Buffer.alloc(5)
  const parts: Uint8Array[] = [head]
  for (const { key, value: header } of headers) {
    const keyBytes = utf8(key)
    parts.push(int32(keyBytes.length), keyBytes, int32(header === null ? NULL_LENGTH : header.length))
    if (header !== null) parts.push(header)
  }
  const length = parts.reduce((sum, part) => sum + part.length, -head.length)
  head[0] = WITH_HEADERS
  head.writeUInt32BE(length, 1)
  return Buffer.concat([...parts, timestampedRow(value, timestamp)])
}

function readHeaders(row: Uint8Array): readonly Header[] {
  const end = headersEnd(row)
  if (end === 0) return NO_HEADERS
  const bytes = asBuffer(row)
  const headers: Header[] = []
  let at = 5
  const sized = (length: number) => {
    const part = bytes.subarray(at, at + length)
    at += length
    return part
  }
  while (at < end) {
    const key = utf8Text(sized(sized(4).readInt32BE(0)))
    const length = sized(4).readInt32BE(0)
    headers.push({ key, value: length === NULL_LENGTH ? null : copyBytes(sized(length)) })
  }
  return headers
}

function int32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4)
  bytes.writeInt32BE(value, 0)
  return bytes
}
