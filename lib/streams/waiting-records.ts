import type { WaitingRecord } from '../processor/deferred-work.ts'

export interface WaitingRecordsOptions {
  /** Default: all. */
  readonly operator?: string
  /** Default 1,000. */
  readonly limit?: number
}

/** Records that operators of these tasks hold. */
export function waitingRecordsOf(
  tasks: Iterable<{ readonly waitingRecords: Iterable<WaitingRecord> }>,
  { operator, limit = 1_000 }: WaitingRecordsOptions,
): WaitingRecord[] {
  const found: WaitingRecord[] = []
  for (const task of tasks) {
    for (const record of task.waitingRecords) {
      if (found.length >= limit) return found
      if (operator === undefined || record.operator === operator) found.push(record)
    }
  }
  return found
}
