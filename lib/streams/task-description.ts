import type { TopicPartition } from '../broker/broker.ts'
import type { TaskId } from '../common/ids.ts'
import type { Supervisor } from '../runtime/thread/supervisor.ts'

/** A task of this process at one moment. */
export interface TaskDescription {
  readonly id: TaskId
  /** `restoring`: it is being taken over, and does not process yet. */
  readonly state: 'running' | 'restoring'
  /** The partitions that it reads; none are known while it is restored. */
  readonly partitions: readonly TopicPartition[]
  /** The highest timestamp that it has processed; undefined before the first record. */
  readonly streamTimeMs: number | undefined
  /**
   * Offsets between what readers see of its inputs and their ends as of the last fetch; undefined: not
   * known.
   */
  readonly lag: number | undefined
}

export function describeTasks(supervisor: Supervisor | undefined): readonly TaskDescription[] {
  if (!supervisor) return []
  const running = supervisor.tasks.map((task): TaskDescription => {
    const { id, partitions, streamTimeMs } = task
    return {
      id,
      state: 'running',
      partitions,
      streamTimeMs: streamTimeMs < 0 ? undefined : streamTimeMs,
      lag: supervisor.thread?.shownLag(task),
    }
  })
  const restoring = (supervisor.thread?.startingTasks ?? []).map((id): TaskDescription => ({
    id,
    state: 'restoring',
    partitions: [],
    streamTimeMs: undefined,
    lag: undefined,
  }))
  return [...running, ...restoring]
}
