import type { Record } from '../../processor/record.ts'

/** A node of the running graph. */
export interface TaskNode {
  readonly name: string
  process(record: Record<unknown, unknown>): void
}
