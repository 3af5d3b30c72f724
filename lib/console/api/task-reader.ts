import type { Clock } from '../../common/clock.ts'
import { parseTaskId } from '../../common/ids.ts'
import { METRIC_GROUPS, type MetricSample } from '../../common/metrics/metrics.ts'
import type { KafkaStreams } from '../../streams/kafka-streams.ts'
import type { TaskDescription } from '../../streams/task-description.ts'
import type { TopologyPlan } from '../../topology/plan.ts'

interface Restore {
  readonly done: number
  readonly total: number
  readonly percent: number
  readonly leftMs: number | null
}

/** The tasks of this process, with what is still to be restored. */
export class TaskReader {
  readonly #plan: TopologyPlan
  readonly #clock: Clock
  /** What was left of a task's restore when it was first seen, and when. */
  readonly #restores = new Map<string, { readonly left: number; readonly atMs: number }>()

  constructor(plan: TopologyPlan, clock: Clock) {
    this.#plan = plan
    this.#clock = clock
  }

  read(streams: KafkaStreams, samples: readonly MetricSample[]): readonly object[] {
    const ofTask = (name: string) =>
      new Map(
        samples.flatMap(sample =>
          sample.group === METRIC_GROUPS.task && sample.name === name
            ? [[sample.tags['task-id'] ?? '', sample.value] as const]
            : [],
        ),
      )
    const left = ofTask('restore-remaining-records-total')
    const restored = ofTask('restore-total')
    const owner = `process ${process.pid}`
    return streams.describeTasks().map(task => ({
      id: task.id,
      owner,
      state: task.state,
      partitions: task.partitions,
      lag: task.lag ?? null,
      restore: this.#restore(task, left.get(task.id) ?? 0, restored.get(task.id) ?? 0),
      streamTimeMs: task.streamTimeMs ?? null,
      windows: this.#windows(streams, task),
    }))
  }

  #restore({ id, state }: TaskDescription, left: number, done: number): Restore | null {
    if (state !== 'restoring' || left === 0) {
      this.#restores.delete(id)
      return null
    }
    const nowMs = this.#clock.monotonicMs()
    const first = this.#restores.get(id) ?? { left, atMs: nowMs }
    this.#restores.set(id, first)
    const perMs = (first.left - left) / Math.max(1, nowMs - first.atMs)
    const total = done + left
    return { done, total, percent: (100 * done) / total, leftMs: perMs > 0 ? left / perMs : null }
  }

  /**
   * The window of a windowed store in which stream time stands, and what it waits for: stream time is the
   * task's, so an input without records holds it back.
   */
  #windows(
    streams: KafkaStreams,
    { id, state, streamTimeMs, partitions }: TaskDescription,
  ): readonly object[] {
    if (state !== 'running' || streamTimeMs === undefined) return []
    const subtopology = this.#plan.subtopologies.find(each => each.id === parseTaskId(id).subtopologyId)
    return (subtopology?.stores ?? []).flatMap(({ builder: { name } }) => {
      const { windowSizeMs } = streams.describeStore(name)
      if (windowSizeMs === undefined) return []
      const openUntilMs = (Math.floor(streamTimeMs / windowSizeMs) + 1) * windowSizeMs
      const inputs = partitions.map(({ topic, partition }) => `${topic}-${partition}`).join(', ')
      const why =
        `stream time is ${new Date(streamTimeMs).toISOString()}; the window ends when a record of ${inputs} is from ` +
        `${new Date(openUntilMs).toISOString()} or later, and the grace period is over`
      return [{ store: name, openUntilMs, why }]
    })
  }
}
