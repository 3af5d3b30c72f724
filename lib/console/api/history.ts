import type { Clock } from '../../common/clock.ts'
import type { KafkaStreams } from '../../streams/kafka-streams.ts'

export interface CommitEntry {
  readonly atMs: number
  /** Mean of the commits of a second. */
  readonly durationMs: number
  /** Commits, and records that were processed, in that second. */
  readonly count: number
  readonly records: number
}

export interface LatencyEntry {
  readonly atMs: number
  readonly p50Ms: number
  readonly p99Ms: number
}

interface Rebalance {
  readonly atMs: number
  readonly kind: 'assigned' | 'revoked'
  readonly tasks: readonly string[]
}

const ENTRIES_MAX = 300

/**
 * What happened to an application since this process runs. States and rebalances are always kept, since they
 * are few; commits and latencies while somebody looks.
 */
export class History {
  readonly #streams: KafkaStreams
  readonly #clock: Clock
  readonly #rebalances: Rebalance[] = []
  readonly #states: { readonly atMs: number; readonly state: string }[] = []
  readonly #commits: CommitEntry[] = []
  readonly #latency: LatencyEntry[] = []
  #tasks: ReadonlySet<string> = new Set()

  constructor(streams: KafkaStreams, clock: Clock) {
    this.#streams = streams
    this.#clock = clock
    this.#changed(streams.state)
    streams.onStateChange(state => this.#changed(state))
  }

  get view(): object {
    return {
      rebalances: this.#rebalances,
      states: this.#states,
      commits: this.#commits,
      latency: this.#latency,
    }
  }

  committed(entry: CommitEntry): void {
    add(this.#commits, entry)
  }

  latency(entry: LatencyEntry): void {
    add(this.#latency, entry)
  }

  #changed(state: string): void {
    const atMs = this.#clock.nowMs()
    add(this.#states, { atMs, state })
    if (state !== 'running' && state !== 'not-running') return
    const now = new Set<string>(this.#streams.describeTasks().map(({ id }) => id))
    const told = (kind: Rebalance['kind'], tasks: readonly string[]) => {
      if (tasks.length > 0) add(this.#rebalances, { atMs, kind, tasks })
    }
    told(
      'revoked',
      [...this.#tasks].filter(id => !now.has(id)),
    )
    told(
      'assigned',
      [...now].filter(id => !this.#tasks.has(id)),
    )
    this.#tasks = now
  }
}

function add<T>(entries: T[], entry: T): void {
  entries.push(entry)
  if (entries.length > ENTRIES_MAX) entries.shift()
}
