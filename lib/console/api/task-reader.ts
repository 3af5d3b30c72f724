import type { Clock } from '../../common/clock.ts'
import { parseTaskId } from '../../common/ids.ts'
import { METRIC_GROUPS, type MetricSample } from '../../common/metrics/metrics.ts'
import { UNLIMITED_END_MS } from '../../common/windowed.ts'
import type { KafkaStreams } from '../../streams/kafka-streams.ts'
import type { InputDescription, TaskDescription } from '../../streams/task-description.ts'
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
      windows: this.#windows(task),
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
   * The window of a windowed store in which stream time stands, and what it waits for. A join's window has no
   * grace of its own in the plan: it is left out, and said.
   */
  #windows({ id, state, streamTimeMs, inputs }: TaskDescription): readonly object[] {
    if (state !== 'running' || streamTimeMs === undefined) return []
    const subtopology = this.#plan.subtopologies.find(each => each.id === parseTaskId(id).subtopologyId)
    return (subtopology?.stores ?? []).flatMap(({ builder: { name, windowSizeMs, windowGraceMs } }) => {
      // A window without an end waits for nothing.
      if (windowSizeMs === undefined || windowSizeMs === UNLIMITED_END_MS) return []
      const endMs = (Math.floor(streamTimeMs / windowSizeMs) + 1) * windowSizeMs
      const openUntilMs = endMs + (windowGraceMs ?? 0)
      const grace =
        windowGraceMs === undefined
          ? 'a grace period is not known'
          : `its grace period of ${windowGraceMs} ms included`
      const why =
        `stream time is ${timeText(streamTimeMs)}; the window is open until a record from ${timeText(openUntilMs)} or ` +
        `later is processed, ${grace}. ${holderText(inputs)}`
      return [{ store: name, openUntilMs, why }]
    })
  }
}

/** The last time that has a date. */
const LAST_DATE_MS = 8.64e15

/** Says which input is furthest behind in time. */
function holderText(inputs: readonly InputDescription[]): string {
  const times = inputs.map(input => input.timeMs ?? -1)
  const slowest = inputs[times.indexOf(Math.min(...times))]
  if (!slowest) return ''
  const { topic, partition, timeMs, waitingRecords } = slowest
  const place = `${topic}-${partition}`
  const last = timeMs === undefined ? 'no record of it was processed' : `its last time is ${timeText(timeMs)}`
  const rest = waitingRecords === 0 ? 'none waits' : `${waitingRecords} wait`
  return `${inputs.length > 1 ? `${place} holds it back` : `It comes from ${place} alone`}: ${last}, and ${rest}`
}

function timeText(timeMs: number): string {
  return timeMs > LAST_DATE_MS ? `${timeMs} ms` : new Date(timeMs).toISOString()
}
