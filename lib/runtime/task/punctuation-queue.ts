import type { Cancellable, PunctuationType, Punctuator } from '../../processor/processor-context.ts'

interface Entry {
  readonly intervalMs: number
  readonly callback: Punctuator
  readonly node: string
  readonly order: number
  nextMs: number
  hasBegun: boolean
  cancelled: boolean
}

/** The ticks of a punctuator. With an interval of Infinity it ticks once. */
export interface Ticks {
  readonly firstMs: number
  readonly intervalMs: number
  /** Whether the first of these ticks is one of a series that began before. Default false. */
  readonly hasBegun?: boolean
}

/** A tick that has come, and the time at which it was found. */
export interface DuePunctuation {
  readonly entry: Entry
  readonly foundMs: number
}

export type RunPunctuator = (node: string, callback: Punctuator, timestampMs: number) => void

/**
 * The punctuators of one task and one kind of time, by their next tick. Skipped ticks are not repeated: the
 * next one lies after the present time, as in Kafka Streams. Times beyond what a number holds exactly cannot
 * loop: the next tick is computed, never counted up to.
 */
export class PunctuationQueue {
  readonly type: PunctuationType
  readonly #numbers: { added: number }
  #entries: Entry[] = []

  /** `beside`: a queue whose ticks are run in one order with this queue's. */
  constructor(type: PunctuationType, beside?: PunctuationQueue) {
    this.type = type
    this.#numbers = beside === undefined ? { added: 0 } : beside.#numbers
  }

  schedule(node: string, ticks: Ticks, callback: Punctuator): Cancellable {
    const { firstMs, intervalMs, hasBegun = false } = ticks
    const order = this.#numbers.added
    const entry = { intervalMs, callback, node, order, nextMs: firstMs, hasBegun, cancelled: false }
    this.#numbers.added += 1
    this.#entries.push(entry)
    return {
      cancel: () => {
        entry.cancelled = true
        this.#entries = this.#entries.filter(other => other !== entry)
      },
    }
  }

  get isEmpty(): boolean {
    return this.#entries.length === 0
  }

  /** Time of the earliest tick; Infinity without any. */
  get nextMs(): number {
    let next = Infinity
    for (const entry of this.#entries) if (entry.nextMs < next) next = entry.nextMs
    return next
  }

  /**
   * Moves series that have begun to their next multiple, after time was set back by more than an interval.
   * After a smaller step back the last tick is not repeated.
   */
  realign(nowMs: number): void {
    for (const entry of this.#entries) {
      const aheadMs = entry.nextMs - nowMs
      if (!entry.hasBegun || aheadMs <= 2 * entry.intervalMs || aheadMs === Infinity) continue
      entry.nextMs = nowMs + (aheadMs % entry.intervalMs)
    }
  }

  /** Removes entries that have ticked for the last time. */
  forgetDone(): void {
    if (this.#entries.some(isDone)) this.#entries = this.#entries.filter(entry => !isDone(entry))
  }

  due(nowMs: number): DuePunctuation[] {
    const due = this.#entries.filter(entry => entry.nextMs <= nowMs)
    return due.map(entry => ({ entry, foundMs: nowMs }))
  }

  /**
   * Calls `run` for every punctuator whose tick is due, each once, the earliest first. Returns whether there
   * was one.
   */
  maybePunctuate(nowMs: number, run: RunPunctuator): boolean {
    if (this.nextMs > nowMs) return false
    runDue(this.due(nowMs), nowMs, run)
    this.forgetDone()
    return true
  }

  clear(): void {
    this.#entries = []
  }
}

/** Runs due punctuators, each once, the one that is latest first. */
export function runDue(due: DuePunctuation[], timestampMs: number, run: RunPunctuator): void {
  const lateMs = ({ entry, foundMs }: DuePunctuation) => foundMs - entry.nextMs
  due.sort((left, right) => lateMs(right) - lateMs(left) || left.entry.order - right.entry.order)
  for (const { entry, foundMs } of due) {
    if (entry.cancelled) continue
    entry.nextMs = tickAfter(entry.nextMs, entry.intervalMs, foundMs)
    entry.hasBegun = true
    run(entry.node, entry.callback, timestampMs)
  }
}

/** A single tick. */
export function onceAt(atMs: number): Ticks {
  return { firstMs: atMs, intervalMs: Infinity }
}

/** Ticks at `startMs + n × intervalMs`, the first of them not before now. */
export function anchoredTicks(startMs: number, intervalMs: number, nowMs: number): Ticks {
  if (startMs >= nowMs) return { firstMs: startMs, intervalMs }
  const firstMs = startMs + (Math.floor((nowMs - startMs) / intervalMs) + 1) * intervalMs
  return { firstMs, intervalMs, hasBegun: true }
}

/** The first tick of the series after `nowMs`; Infinity where numbers are too coarse for the interval. */
function tickAfter(tickMs: number, intervalMs: number, nowMs: number): number {
  if (intervalMs === Infinity) return Infinity
  const skipped = Math.floor((nowMs - tickMs) / intervalMs) + 1
  const next = tickMs + skipped * intervalMs
  return next > nowMs ? next : Infinity
}

/** Whether an entry will not tick any more. */
function isDone({ intervalMs, nextMs }: Entry): boolean {
  return intervalMs === Infinity && nextMs === Infinity
}
