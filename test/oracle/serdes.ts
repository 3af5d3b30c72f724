import { hex } from '../../lib/common/bytes.ts'
import type { Serde } from '../../lib/serde/serde.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import { Unsupported } from './case.ts'

/** The serde that a case names. */
export function serdeOf(spec: string): Serde<unknown> {
  switch (spec) {
    case 'string':
      return serdes.string()
    case 'long':
      return serdes.int64()
    case 'int':
      return serdes.int32()
    case 'double':
      return serdes.float64()
    case 'bytes':
      return serdes.bytes()
    default:
      throw new Unsupported(`serde ${spec.replace(/\(.*/, '')}`)
  }
}

/** A value from its JSON form in a case; bytes are written in hex. */
export function fromJson(json: unknown, spec: string): unknown {
  if (json === null || json === undefined) return null
  return spec === 'bytes' ? new Uint8Array(Buffer.from(String(json), 'hex')) : json
}

export function toJson(value: unknown): unknown {
  return value instanceof Uint8Array ? hex(value) : value
}

/** How the functions of the library print a value. */
export function printed(value: unknown): string {
  return value instanceof Uint8Array ? hex(value) : String(value)
}
