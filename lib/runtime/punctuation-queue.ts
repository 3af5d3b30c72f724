import type { Cancellable, PunctuationType, Punctuator } from '../processor/processor-context.ts'

interface Entry {
  readonly intervalMs: number
  readonly callback: Punctuator
  readonly node: string
  nextMs: number
  order: number
  cancelled: boolean
}

/**
 * The punctuators of one task and one kind of time, by their next tick. A tick that was skipped is not made up for: the next one
 * lies behind the present time, as in the JVM original. Times beyond what a number holds exactly cannot loop: the next tick is
 * computed, never counted up to.
 */
export class PunctuationQueue {
  readonly type: PunctuationType
  #entries: Entry[] = []
  #added = 0

  constructor(type: PunctuationType) {
    this.type = type
  }

  schedule(node: string, firstMs: number, intervalMs: number, callback: Punctuator): Cancellable {
    const entry: Entry = { intervalMs, callback, node, nextMs: firstMs, order: this.#added, cancelled: false }
    this.#added += 1
    this.#entries.push(entry)
    return {
      cancel: () => {
        entry.cancelled = true
        this.#entries = this.#entries.filter(other => other !== entry)
      },
    }
  }

  /** When the earliest tick is due; Infinity without any. */
  get nextMs(): number {
    let next = Infinity
    for (const entry of this.#entries) if (entry.nextMs < next) next = entry.nextMs
    return next
  }

  /** Calls `run` for every punctuator whose tick is due, each once, the earliest first. Returns whether there was one. */
  maybePunctuate(
    nowMs: number,
    run: (node: string, callback: Punctuator, timestampMs: number) => void,
  ): boolean {
    if (this.nextMs > nowMs) return false
    const due = this.#entries
      .filter(entry => entry.nextMs <= nowMs)
      .sort((left, right) => left.nextMs - right.nextMs || left.order - right.order)
    for (const entry of due) {
      if (entry.cancelled) continue
      entry.nextMs = tickAfter(entry.nextMs, entry.intervalMs, nowMs)
      run(entry.node, entry.callback, nowMs)
    }
    return true
  }

  clear(): void {
    this.#entries = []
  }
}

/** The first tick of the series that lies behind `nowMs`; at least one above it where numbers are too coarse for the interval. */
function tickAfter(tickMs: number, intervalMs: number, nowMs: number): number {
  const skipped = Math.floor((nowMs - tickMs) / intervalMs) + 1
  const next = tickMs + skipped * intervalMs
  return next > nowMs ? next : Infinity
}
