import { concatBytes, equalBytes, utf8, utf8Text } from '../../common/bytes.ts'
import type { Header } from '../../common/headers.ts'
import type { RecordContext } from '../../common/record-context.ts'
import type { ChangelogRecord } from '../contract/state-store.ts'
import type { ChangeBytes, ChangeState } from './buffered-change.ts'
import { ByteCursor, int32Bytes, int64Bytes, malformedSuppression } from './byte-cursor.ts'

/** Headers of every changelog record that has a value: the version of the format. */
export const VERSION_HEADERS: readonly Header[] = [{ key: 'v', value: Uint8Array.of(3) }]

const NULL_LENGTH = -1
/** Length of an old value that equals the prior value and is not repeated. */
const SAME_AS_PRIOR = -2

/**
 * `context ‖ prior value ‖ old value ‖ new value ‖ time`, version 3 of Kafka Streams, which 2.4 and later
 * write.
 */
export function writeChange({ timeMs, priorValue, oldValue, newValue, context }: ChangeState): Uint8Array {
  const old =
    oldValue !== null && equalBytes(priorValue, oldValue) ? [int32Bytes(SAME_AS_PRIOR)] : sized(oldValue)
  return concatBytes(
    ...contextParts(context),
    ...sized(priorValue),
    ...old,
    ...sized(newValue),
    int64Bytes(timeMs),
  )
}

export function readChange(bytes: Uint8Array): ChangeState {
  const cursor = new ByteCursor(bytes)
  const context = readContext(cursor)
  const priorValue = cursor.sized()
  const oldLength = cursor.int32()
  const oldValue = oldLength === SAME_AS_PRIOR ? priorValue : oldLength < 0 ? null : cursor.take(oldLength)
  return { context, priorValue, oldValue, newValue: cursor.sized(), timeMs: cursor.int64() }
}

/**
 * Reads a changelog record that has a value, of any version. `buffered`: the key's change in the buffer; the
 * first two versions do not write the prior value, so it stays.
 */
export function readChangelogRecord(record: ChangelogRecord, buffered: ChangeState | undefined): ChangeState {
  const bytes = record.value ?? new Uint8Array(0)
  const version = record.headers.findLast(header => header.key === 'v')
  if (version === undefined) return readVersion0(bytes, record, buffered)
  switch (version.value?.[0]) {
    case 1:
      return readVersion1(bytes, buffered)
    case 2:
      return readVersion2(bytes)
    case 3:
      return readChange(bytes)
    default:
      throw malformedSuppression(`it names version ${version.value?.[0]}`)
  }
}

/** Reads `time ‖ old value ‖ new value`; the record itself is the context. */
function readVersion0(
  bytes: Uint8Array,
  { timestamp, headers }: ChangelogRecord,
  buffered: ChangeState | undefined,
): ChangeState {
  const cursor = new ByteCursor(bytes)
  const timeMs = cursor.int64()
  const change = readValues(cursor)
  const context = { topic: undefined, partition: -1, offset: -1, timestamp, headers }
  return { ...change, priorValue: buffered ? buffered.priorValue : change.oldValue, timeMs, context }
}

/** Reads `time ‖ context ‖ length ‖ old value ‖ new value`. */
function readVersion1(bytes: Uint8Array, buffered: ChangeState | undefined): ChangeState {
  const cursor = new ByteCursor(bytes)
  const timeMs = cursor.int64()
  const context = readContext(cursor)
  cursor.int32()
  const change = readValues(cursor)
  return { ...change, priorValue: buffered ? buffered.priorValue : change.oldValue, timeMs, context }
}

/**
 * Reads `context ‖ length ‖ old value ‖ new value ‖ prior value ‖ time`. Some releases (2.4, 2.5) say 2 and
 * write 3.
 */
function readVersion2(bytes: Uint8Array): ChangeState {
  try {
    const cursor = new ByteCursor(bytes)
    const context = readContext(cursor)
    cursor.int32()
    const change = readValues(cursor)
    const state = { ...change, priorValue: cursor.sized(), timeMs: cursor.int64(), context }
    if (cursor.atEnd) return state
  } catch {
    // The bytes are not of version 2; the code below reads them as version 3, and throws if they are not.
  }
  return readChange(bytes)
}

function readValues(cursor: ByteCursor): ChangeBytes {
  return { oldValue: cursor.sized(), newValue: cursor.sized() }
}

/**
 * `timestamp ‖ offset ‖ topic ‖ partition ‖ number of headers ‖ (key ‖ value)…`. A punctuator's record has no
 * topic, which is written as an empty one.
 */
function contextParts({ topic, partition, offset, timestamp, headers }: RecordContext): Uint8Array[] {
  const parts = [int64Bytes(timestamp), int64Bytes(offset), ...sized(utf8(topic ?? ''))]
  parts.push(int32Bytes(partition), int32Bytes(headers.length))
  for (const { key, value } of headers) parts.push(...sized(utf8(key)), ...sized(value))
  return parts
}

function readContext(cursor: ByteCursor): RecordContext {
  const timestamp = cursor.int64()
  const offset = cursor.int64()
  const topic = utf8Text(cursor.sized() ?? new Uint8Array(0))
  const partition = cursor.int32()
  const headers: Header[] = []
  for (let left = cursor.int32(); left > 0; left -= 1) {
    const key = cursor.sized()
    if (key === null) throw malformedSuppression('a header has no key')
    headers.push({ key: utf8Text(key), value: cursor.sized() })
  }
  return { topic: topic === '' ? undefined : topic, partition, offset, timestamp, headers }
}

function sized(bytes: Uint8Array | null): Uint8Array[] {
  return bytes === null ? [int32Bytes(NULL_LENGTH)] : [int32Bytes(bytes.length), bytes]
}
