import type { TopicPartition } from '../broker/broker.ts'
import { partitionKey } from '../common/ids.ts'

/** Offsets by `partitionKey`. */
export type Offsets = ReadonlyMap<string, number>

/** How far each step to a view was at a moment. */
export interface Progress {
  /**
   * For each step but the last: what the application has committed of its topics. Everything that this led to
   * lies before `ends` of the next step, which were asked for afterwards.
   */
  readonly committed: readonly Offsets[]
  /** For each step, the ends of its topics. */
  readonly ends: readonly Offsets[]
  /** What the view shows of the partitions of the last step that this process reads. */
  readonly shown: Offsets
  /** Whether the view has all partitions of the last step. */
  readonly isWhole: boolean
}

/**
 * Something that was in a topic at a time, on its way to the view: it is there when each step has passed what
 * the step before had written by then.
 */
export class Mark {
  readonly atMs: number
  #step: number
  #targets: Offsets

  constructor(atMs: number, step: number, targets: Offsets) {
    this.atMs = atMs
    this.#step = step
    this.#targets = targets
  }

  /** Whether the view has it. */
  hasArrived({ committed, ends, shown, isWhole }: Progress): boolean {
    for (; this.#step < committed.length; this.#step += 1) {
      if (!hasReached(committed[this.#step]!, this.#targets, true)) return false
      this.#targets = ends[this.#step + 1]!
    }
    return shown.size > 0 && hasReached(shown, this.#targets, isWhole)
  }
}

/** `isWhole`: partitions without a position have not begun; otherwise they are somebody else's. */
function hasReached(positions: Offsets, targets: Offsets, isWhole: boolean): boolean {
  return [...targets].every(([key, target]) => (positions.get(key) ?? (isWhole ? 0 : Infinity)) >= target)
}

/** Offsets that lie between what there is and what the view shows, over all steps. */
export function distanceOf({ committed, ends, shown, isWhole }: Progress): number {
  return ends.reduce((sum, targets, step) => {
    const positions = committed[step] ?? shown
    const isComplete = step < committed.length || isWhole
    return sum + distance(positions, targets, isComplete)
  }, 0)
}

function distance(positions: Offsets, targets: Offsets, isWhole: boolean): number {
  let sum = 0
  for (const [key, target] of targets) {
    const position = positions.get(key) ?? (isWhole ? 0 : target)
    sum += Math.max(0, target - position)
  }
  return sum
}

/** Of the offsets those of the partitions. */
export function offsetsOf(offsets: Offsets, partitions: readonly TopicPartition[]): Offsets {
  const keys = partitions.map(({ topic, partition }) => partitionKey(topic, partition))
  return new Map(keys.map(key => [key, offsets.get(key) ?? 0]))
}
