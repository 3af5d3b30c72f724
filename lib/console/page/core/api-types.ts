/** Answers of the site's API, as far as the page reads them. */

export interface SiteProcess {
  readonly index: number
  readonly pid: number | null
  readonly state: 'starting' | 'running' | 'restarting' | 'stopped'
  readonly startedMs: number
  readonly restarts: number
  readonly lastEnd: {
    readonly atMs: number
    readonly exitCode: number | null
    readonly killedBy: string | null
  } | null
}

export interface Application {
  readonly applicationId: string
  readonly title: string
  readonly description: string
  /** What it solves, in at most three sentences. */
  readonly problem: readonly string[]
  /** Where its own page is; null: it has none. */
  readonly room: string | null
  readonly state: string
  readonly processes?: number
}

export interface Site {
  readonly version: string
  readonly brokers: string
  readonly startedMs: number
  readonly processes: readonly SiteProcess[]
  readonly applications: readonly Application[]
  readonly canBreak: boolean
}

export interface PlanNode {
  readonly kind: 'source' | 'processor' | 'sink'
  readonly name: string
  readonly topics?: readonly string[]
  readonly pattern?: string | null
  readonly topic?: string | null
  readonly stores?: readonly string[]
  readonly ownTopics?: readonly string[]
  readonly keySerde?: string | null
  readonly valueSerde?: string | null
  readonly children?: readonly string[]
  readonly async?: boolean
  readonly retry?: boolean
  readonly schedule?: boolean
}

export interface PlanStore {
  readonly name: string
  readonly persistent: boolean
  readonly changelogTopic: string | null
  readonly changelogIsSource: boolean
}

export interface Subtopology {
  readonly id: number
  readonly global: boolean
  readonly sourceTopics: readonly string[]
  readonly sinkTopics: readonly string[]
  readonly nodes: readonly PlanNode[]
  readonly stores: readonly PlanStore[]
}

export interface Plan {
  readonly applicationId: string
  readonly subtopologies: readonly Subtopology[]
}

export interface LivePartition {
  readonly partition: number
  readonly begin: number
  readonly end: number
  readonly committed: number | null
  readonly lag: number | null
}

export interface LiveTopic {
  readonly partitions: readonly LivePartition[]
  readonly rate: number
  readonly lag: number | null
}

export interface LiveStore {
  readonly name: string
  readonly kind: string
  readonly isGlobal: boolean
  readonly changelogTopic: string | null
  readonly keys: number | null
  readonly bytes: number | null
  readonly partitions: readonly number[]
  readonly lag: number | null
}

export interface LiveTask {
  readonly id: string
  readonly owner: string
  readonly state: string
  readonly lag: number | null
  readonly restore: {
    readonly done: number
    readonly total: number
    readonly percent: number
    readonly leftMs: number | null
  } | null
  readonly streamTimeMs: number | null
  readonly windows: readonly { readonly store: string; readonly openUntilMs: number; readonly why: string }[]
}

export interface Live {
  readonly atMs: number
  readonly state: string
  readonly error: { readonly code: string; readonly message: string } | null
  readonly nodes: Readonly<Record<string, { readonly processTotal: number; readonly processRate: number }>>
  readonly topics: Readonly<Record<string, LiveTopic>>
  readonly stores: readonly LiveStore[]
  readonly tasks: readonly LiveTask[]
  readonly commit: {
    readonly total: number
    readonly rate: number
    readonly lastMs: number | null
    readonly p50Ms: number | null
    readonly p99Ms: number | null
    readonly sinceLastMs: number | null
  }
  readonly latency: { readonly p50Ms: number; readonly p99Ms: number; readonly maxMs: number } | null
  readonly loop: { readonly delayP99Ms: number | null }
  readonly memory: { readonly rssBytes: number; readonly heapBytes: number }
  readonly waiting: { readonly parked: number; readonly retrying: number }
}

export interface AppHistory {
  readonly rebalances: readonly {
    readonly atMs: number
    readonly kind: 'assigned' | 'revoked' | 'lost'
    readonly tasks: readonly string[]
  }[]
  readonly states: readonly { readonly atMs: number; readonly state: string }[]
  readonly commits: readonly {
    readonly atMs: number
    readonly durationMs: number
    readonly records: number
  }[]
  readonly latency: readonly { readonly atMs: number; readonly p50Ms: number; readonly p99Ms: number }[]
}

export interface Audit {
  readonly name: string
  readonly description: string
  /** Null until something was counted. */
  readonly since: number | null
  readonly expected: number
  readonly seen: number
  readonly lost: number
  readonly repeated: number
  readonly pending: number
  readonly examples: { readonly lost: readonly string[]; readonly repeated: readonly string[] }
  readonly caughtUp: boolean
  readonly behindMs: number | null
}

export interface StoreDescription {
  readonly name: string
  readonly kind: string
  readonly isGlobal: boolean
  readonly keySerde: string | null
  readonly valueSerde: string | null
  readonly partitions: readonly number[]
  readonly partitionCount: number | null
  readonly lag: number | null
}

export interface StoreEntry {
  readonly key: unknown
  readonly value: unknown
  readonly timestamp?: number | null
  readonly start?: number
  readonly end?: number
}

export interface TopicSummary {
  readonly name: string
  readonly kind: string
  readonly applications: readonly string[]
  readonly partitionCount: number
  readonly records: number
  readonly policy: string
  readonly retentionMs: number | null
}

export interface TopicRecord {
  readonly partition: number
  readonly offset: number
  readonly timestampMs: number
  readonly key: unknown
  readonly value: unknown
  readonly keyFormat: string
  readonly valueFormat: string
  readonly bytes: number
  readonly headers: readonly (readonly [name: string, value: unknown])[]
  /** Whether its transaction was aborted, or has not ended. */
  readonly aborted?: boolean
  readonly open?: boolean
}

export interface RecordsPage {
  readonly records: readonly TopicRecord[]
  readonly next: string | null
}

export interface Letter {
  readonly id: string
  readonly operator: string
  readonly reason: string
  readonly attempts: number
  readonly key: unknown
  readonly value: unknown
  readonly topic: string | null
  readonly partition: number
  readonly offset: number
  readonly timestampMs: number
  readonly error: { readonly name: string; readonly message: string; readonly stack?: string | null } | null
  readonly state: string
  readonly place: { readonly topic: string; readonly partition: number; readonly offset: number } | null
}

export interface Letters {
  readonly operators: readonly string[]
  readonly letters: readonly Letter[]
  readonly total: number
}

export interface Schedule {
  readonly id: string
  readonly source: 'code' | 'data'
  readonly definition: Readonly<Record<string, unknown>>
  readonly policy?: Readonly<Record<string, unknown>> | null
  readonly to?: unknown
  readonly paused?: { readonly by: string; readonly reason: string; readonly at: number } | null
  readonly nextMs?: number | null
  readonly lastMs?: number | null
  readonly isTaken: boolean
}

export interface ControlTarget {
  readonly operator: string
  readonly partition?: number | null
  readonly key?: unknown
  readonly letter?: string | null
}

export interface ControlEntry {
  readonly do: string
  readonly reason: string
  readonly by: string
  readonly at: number
  readonly target: ControlTarget
  readonly effect?: { readonly letter: string; readonly became: string; readonly task: string } | null
}

export interface Control {
  readonly targets: readonly (string | { readonly operator: string })[]
  readonly commands: readonly ControlEntry[]
  readonly events: readonly ControlEntry[]
}

export interface Waiting {
  readonly operator: string
  readonly taskId?: unknown
  readonly id: string
  readonly key: unknown
  readonly state: string
  readonly attempts: number
  readonly dueMs?: number | null
  readonly firstFailedMs?: number | null
  readonly lastError?: { readonly name?: string; readonly message?: string } | null
}
