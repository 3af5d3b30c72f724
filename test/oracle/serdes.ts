import { hex } from '../../lib/common/bytes.ts'
import type { Windowed } from '../../lib/common/windowed.ts'
import { UNLIMITED_END_MS } from '../../lib/common/windowed.ts'
import type { Serde } from '../../lib/serde/serde.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import { Unsupported } from './case.ts'

/** The serde that a case names. */
export function serdeOf(spec: string): Serde<unknown> {
  const windowed = /^windowed\((.*),(\d+)\)$/.exec(spec)
  if (windowed) return serdes.windowed(serdeOf(windowed[1] ?? ''), Number(windowed[2]))
  const session = /^session\((.*)\)$/.exec(spec)
  if (session) return serdes.sessionWindowed(serdeOf(session[1] ?? ''))
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
  const inner = /^(?:windowed|session)\((.*?)(?:,\d+)?\)$/.exec(spec)?.[1]
  if (inner !== undefined) {
    const { key, start, end } = json as { key: unknown; start: number; end: number }
    return { key: fromJson(key, inner), window: { startMs: start, endMs: end } }
  }
  return spec === 'bytes' ? new Uint8Array(Buffer.from(String(json), 'hex')) : json
}

export function isWindowed(value: unknown): value is Windowed<unknown> {
  return typeof value === 'object' && value !== null && 'window' in value
}

export function toJson(value: unknown): unknown {
  if (isWindowed(value)) {
    return { key: toJson(value.key), start: value.window.startMs, end: value.window.endMs }
  }
  return value instanceof Uint8Array ? hex(value) : value
}

/** How the functions of the library print a value. */
export function printed(value: unknown): string {
  if (isWindowed(value)) {
    const { startMs, endMs } = value.window
    return `${printed(value.key)}@${startMs}/${endMs === UNLIMITED_END_MS ? '9223372036854775807' : endMs}`
  }
  return value instanceof Uint8Array ? hex(value) : String(value)
}
