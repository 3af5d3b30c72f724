import { utf8, utf8Text } from '../../common/bytes.ts'
import { StreamsError } from '../../common/errors/errors.ts'

/** How far a schedule is: all of it changes with a firing, as one value. */
export interface ScheduleState {
  /** What it fires by, as text: another text is another schedule. */
  readonly definition: string
  /** Nothing up to this instant will fire any more. */
  readonly afterMs: number
  /** Time that fires next, as the schedule names it; null where none comes. */
  readonly nextMs: number | null
  /** Time of the last firing, as the schedule names it; null before the first. */
  readonly lastMs: number | null
  readonly isPaused: boolean
  /** Undefined where the code says it. */
  readonly policy?: SchedulePolicy
  /** Undefined where the node's children get the firings. */
  readonly to?: ScheduleTarget
}

/** How a schedule treats times that have passed, and when it fires of those that come. */
export interface SchedulePolicy {
  readonly onMissed: 'once' | 'skip' | 'all'
  readonly graceMs: number
  readonly catchUpMs?: number
  readonly jitterMs: number
}

/** The record that a firing is, and the sink it goes to; bytes in base64. */
export interface ScheduleTarget {
  readonly sink: string
  readonly key: string | null
  readonly value: string | null
}

const VERSION = 1

export function encodeState(state: ScheduleState): Uint8Array {
  return utf8(JSON.stringify({ v: VERSION, ...state }))
}

/** Throws `UNKNOWN_FORMAT`. `topic`: where it was found. */
export function decodeState(bytes: Uint8Array, topic: string): ScheduleState {
  const { v, ...state } = JSON.parse(utf8Text(bytes)) as ScheduleState & { readonly v: unknown }
  if (v === VERSION) return state
  throw new StreamsError(
    'UNKNOWN_FORMAT',
    `a schedule in "${topic}" is of version ${String(v)}, and this program knows version ${VERSION} alone: run the program that wrote ` +
      'it, or a newer one',
  )
}
