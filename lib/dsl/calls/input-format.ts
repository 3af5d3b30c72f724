import { Buffer } from 'node:buffer'
import { equalBytes, utf8, utf8Text } from '../../common/bytes.ts'
import { StreamsError } from '../../common/errors/errors.ts'
import { NO_HEADERS, type Header } from '../../common/headers.ts'
import type { RecordContext } from '../../common/record-context.ts'
import { FieldReader, putBytes } from './byte-fields.ts'

/** Everything that is needed to make a call, and to apply its result, in another process. */
export interface AsyncInput {
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly context: RecordContext
  /** Which of the calls for the same source record this is, from 0. */
  readonly ordinal: number
}

const VERSION = 1
/** The version of what an operator with retry writes (`attempt-format.ts`). */
export const WITH_ATTEMPTS = 2
/** The version of its keys that are given up (`closed-lanes.ts`). */
export const CLOSED_LANE = 3
/**
 * Bits of the second byte. Most often the operator gets what stands in the topic: then its bytes are written
 * once.
 */
const HAS_TOPIC = 1
const HAS_SOURCE = 2
const SAME_KEY = 4
const SAME_VALUE = 8
/** Version, flags, ordinal, timestamp, partition, offset. */
const FIXED_BYTES = 2 + 4 + 8 + 4 + 8

/** What `encodeInput` gives takes at least so much, headers apart. */
export function inputBytes({ key, value }: Pick<AsyncInput, 'key' | 'value'>): number {
  return FIXED_BYTES + (key?.length ?? 0) + (value?.length ?? 0)
}

export function encodeInput({ key, value, context, ordinal }: AsyncInput): Uint8Array {
  const { topic, partition, offset, timestamp, headers, source } = context
  const sameKey = source !== undefined && equalBytes(source.key, key)
  const sameValue = source !== undefined && equalBytes(source.value, value)
  const fixed = Buffer.alloc(FIXED_BYTES)
  fixed[0] = VERSION
  fixed[1] =
    (topic === undefined ? 0 : HAS_TOPIC) |
    (source ? HAS_SOURCE : 0) |
    (sameKey ? SAME_KEY : 0) |
    (sameValue ? SAME_VALUE : 0)
  fixed.writeUInt32BE(ordinal, 2)
  // Doubles, as everywhere in memory: timestamps and offsets are safe integers.
  fixed.writeDoubleBE(timestamp, 6)
  fixed.writeInt32BE(partition, 14)
  fixed.writeDoubleBE(offset, 18)
  const parts: Uint8Array[] = [fixed]
  putBytes(parts, key)
  putBytes(parts, value)
  if (topic !== undefined) putBytes(parts, utf8(topic))
  if (source && !sameKey) putBytes(parts, source.key)
  if (source && !sameValue) putBytes(parts, source.value)
  for (const header of headers) {
    putBytes(parts, utf8(header.key))
    putBytes(parts, header.value)
  }
  return Buffer.concat(parts)
}

export function decodeInput(bytes: Uint8Array): AsyncInput {
  const reader = new FieldReader(bytes)
  const fixed = reader.take(FIXED_BYTES)
  if (fixed[0] !== VERSION) {
    throw new StreamsError('UNKNOWN_FORMAT', unknownFormat(fixed[0]))
  }
  const flags = fixed[1]!
  const key = reader.bytes()
  const value = reader.bytes()
  const topic = flags & HAS_TOPIC ? utf8Text(reader.bytes() ?? fixed.subarray(0, 0)) : undefined
  const source =
    flags & HAS_SOURCE
      ? {
          key: flags & SAME_KEY ? key : reader.bytes(),
          value: flags & SAME_VALUE ? value : reader.bytes(),
        }
      : undefined
  const headers: Header[] = []
  while (!reader.isAtEnd) {
    const name = reader.bytes()
    headers.push({ key: name === null ? '' : utf8Text(name), value: reader.bytes() })
  }
  return {
    key,
    value,
    ordinal: fixed.readUInt32BE(2),
    context: {
      topic,
      partition: fixed.readInt32BE(14),
      offset: fixed.readDoubleBE(18),
      timestamp: fixed.readDoubleBE(6),
      headers: headers.length === 0 ? NO_HEADERS : headers,
      source,
    },
  }
}

function unknownFormat(version: number | undefined): string {
  if (version === WITH_ATTEMPTS || version === CLOSED_LANE)
    return 'an input that waits was parked by an operator with retry, and this one has none: keep retry until nothing is parked'
  return `an input that waits was written in format ${version}, and this version knows ${VERSION}: run the newer version until nothing waits`
}
