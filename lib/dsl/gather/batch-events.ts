import { Buffer } from 'node:buffer'
import type { BatchState } from '../../store/operator/batch-state.ts'
import type { BatchEvent } from '../options/gather-options.ts'

/** The event of that type for a batch as it is. `batchKey`: the batch's id as bytes. */
export function batchEvent(
  type: BatchEvent['type'],
  batch: unknown,
  batchKey: Uint8Array,
  state: BatchState,
  atMs: number,
): BatchEvent {
  const { succeeded, failed, total, startedAtMs } = state
  const name = type === 'progress' ? `progress/${succeeded}+${failed}/${total ?? '?'}` : type
  const counts = { succeeded, failed, total, missing: missingOf(state) }
  const eventId = `${idText(batch, batchKey)}@${state.firstTimestamp}/${name}`
  const event = { type, eventId, ...counts, startedAtMs, atMs }
  return type === 'failed' ? { ...event, reason: reasonOf(state) } : event
}

function missingOf({ succeeded, failed, total }: BatchState): number | null {
  return total === null ? null : Math.max(0, total - succeeded - failed)
}

function reasonOf({ succeeded, failed, total }: BatchState): string {
  return `its total was corrected to ${total}, and ${succeeded + failed} different results had come already`
}

function idText(batch: unknown, batchKey: Uint8Array): string {
  if (typeof batch === 'string' || typeof batch === 'number' || typeof batch === 'bigint')
    return String(batch)
  return Buffer.from(batchKey).toString('base64url')
}
