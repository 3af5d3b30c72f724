import { murmur2 } from '../../common/hash/murmur2.ts'
import { utf8 } from '../../common/bytes.ts'
import type { SchedulePolicy, ScheduleState } from '../../store/operator/schedule-state.ts'
import { missedFires, type DueFire } from './missed-fires.ts'
import type { FireTimes } from './next-fire.ts'

export interface DueFires {
  readonly firings: readonly DueFire[]
  /** How many times have passed for which nothing fires. */
  readonly skipped: number
  /** How far the schedule is when these have fired. */
  readonly state: ScheduleState
}

/** A schedule that begins: its next time comes after that instant. */
export function scheduleFrom(
  times: FireTimes,
  afterMs: number,
  begun: Omit<ScheduleState, 'afterMs' | 'nextMs'>,
): ScheduleState {
  return { ...begun, afterMs, nextMs: times.next(afterMs) ?? null }
}

/**
 * What a schedule fires by now, at most `firingsMax`, in order. A firing waits for its jitter, and those
 * behind it wait for it; so a time is late by how long ago it should have fired, its jitter included.
 */
export function dueFires(
  id: string,
  state: ScheduleState,
  times: FireTimes,
  how: { readonly policy: SchedulePolicy; readonly nowMs: number; readonly firingsMax: number },
): DueFires {
  const { policy, nowMs, firingsMax } = how
  const { onMissed, jitterMs } = policy
  const graceMs = policy.graceMs + jitterMs
  const catchUpMs = policy.catchUpMs === undefined ? {} : { catchUpMs: policy.catchUpMs + jitterMs }
  const found = missedFires(times, state.afterMs, nowMs, { onMissed, graceMs, ...catchUpMs, firingsMax })
  const waiting = found.firings.findIndex(({ nominalMs }) => dueMs(id, nominalMs, jitterMs) > nowMs)
  const firings = waiting === -1 ? found.firings : found.firings.slice(0, waiting)
  const lastMs = firings.at(-1)?.nominalMs
  const afterMs = lastMs ?? Math.max(state.afterMs, nowMs - graceMs - 1)
  const next = scheduleFrom(times, afterMs, { ...state, lastMs: lastMs ?? state.lastMs })
  return { firings, skipped: found.skipped, state: next }
}

/** When the time fires: the jitter is the same in every process that computes it. */
export function dueMs(id: string, nominalMs: number, jitterMs: number): number {
  if (jitterMs === 0) return nominalMs
  return nominalMs + ((murmur2(utf8(`${id}@${nominalMs}`)) >>> 0) % (jitterMs + 1))
}
