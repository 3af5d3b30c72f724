import type { TopicPartition } from '../broker/broker.ts'
import type { TaskId } from '../common/ids.ts'
import type { InputProgress } from '../runtime/task/partition-group.ts'
import type { Supervisor } from '../runtime/thread/supervisor.ts'

/** A partition that a task reads, at one moment. */
export interface InputDescription extends TopicPartition {
  /** The highest timestamp that was processed; undefined before the first record. */
  readonly timeMs: number | undefined
  /** Number of records that are here and wait to be processed. */
  readonly waitingRecords: number
}

/** A task of this process at one moment. */
export interface TaskDescription {
  readonly id: TaskId
  /** `restoring`: it is being taken over, and does not process yet. */
  readonly state: 'running' | 'restoring'
  /** The partitions that it reads; none are known while it is restored. */
  readonly partitions: readonly TopicPartition[]
  /** How far each of these partitions has come. */
  readonly inputs: readonly InputDescription[]
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
      inputs: Array.from(task.inputs, describeInput),
      streamTimeMs: streamTimeMs < 0 ? undefined : streamTimeMs,
      lag: supervisor.thread?.shownLag(task),
    }
  })
  const restoring = (supervisor.thread?.startingTasks ?? []).map((id): TaskDescription => ({
    id,
    state: 'restoring',
    partitions: [],
    inputs: [],
    streamTimeMs: undefined,
    lag: undefined,
  }))
  return [...running, ...restoring]
}

function describeInput({ topic, partition, partitionTimeMs, size }: InputProgress): InputDescription {
  return { topic, partition, timeMs: partitionTimeMs < 0 ? undefined : partitionTimeMs, waitingRecords: size }
}
