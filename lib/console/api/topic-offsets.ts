import type { Admin, TopicPartition } from '../../broker/broker.ts'
import type { Clock } from '../../common/clock.ts'
import { partitionKey } from '../../common/ids.ts'
import { internalTopicsOf } from '../../topology/internal-topics.ts'
import type { TopologyPlan } from '../../topology/plan.ts'

export interface PartitionOffsets {
  readonly partition: number
  readonly begin: number
  readonly end: number
  /** Null where the application does not read the topic, or has committed nothing. */
  readonly committed: number | null
  readonly lag: number | null
}

export interface TopicOffsets {
  readonly partitions: readonly PartitionOffsets[]
  /** Records, markers included, appended a second since the last look. */
  readonly rate: number
  /** Null for a topic that the application does not read. */
  readonly lag: number | null
}

/** Names of topics and their first offsets change seldom. */
const SLOW_MS = 10_000

/** Offsets of the topics of an application, and how fast they grow. */
export class TopicOffsetsReader {
  readonly #plan: TopologyPlan
  readonly #admin: Admin
  readonly #clock: Clock
  readonly #names: readonly string[]
  readonly #sources: ReadonlySet<string>
  #partitions: readonly TopicPartition[] = []
  #begins: ReadonlyMap<string, number> = new Map()
  #slowAtMs = -Infinity
  #before = new Map<string, { readonly ends: number; readonly atMs: number }>()

  constructor(plan: TopologyPlan, admin: Admin, clock: Clock) {
    this.#plan = plan
    this.#admin = admin
    this.#clock = clock
    this.#names = topicsOf(plan)
    this.#sources = new Set(plan.subtopologies.flatMap(({ sourceTopics }) => sourceTopics))
  }

  async read(): Promise<{ readonly [topic: string]: TopicOffsets }> {
    await this.#readSlow()
    const sources = this.#partitions.filter(({ topic }) => this.#sources.has(topic))
    const [ends, committed] = await Promise.all([
      this.#admin.endOffsets(this.#partitions, 'read_uncommitted'),
      this.#admin.groupOffsets(this.#plan.applicationId, sources),
    ])
    const byTopic = new Map<string, PartitionOffsets[]>()
    for (const { topic, partition } of this.#partitions) {
      const key = partitionKey(topic, partition)
      const begin = this.#begins.get(key) ?? 0
      const end = ends.get(key) ?? 0
      const isRead = this.#sources.has(topic)
      const done = committed.get(key)?.offset ?? null
      const lag = isRead ? Math.max(0, end - Math.max(begin, done ?? begin)) : null
      const listed = byTopic.get(topic) ?? []
      listed.push({ partition, begin, end, committed: done, lag })
      byTopic.set(topic, listed)
    }
    return Object.fromEntries(Array.from(byTopic, ([topic, all]) => [topic, this.#summary(topic, all)]))
  }

  #summary(topic: string, partitions: readonly PartitionOffsets[]): TopicOffsets {
    const atMs = this.#clock.monotonicMs()
    const ends = partitions.reduce((sum, { end }) => sum + end, 0)
    const before = this.#before.get(topic)
    this.#before.set(topic, { ends, atMs })
    const rate = before && atMs > before.atMs ? ((ends - before.ends) * 1000) / (atMs - before.atMs) : 0
    const lag = this.#sources.has(topic)
      ? partitions.reduce((sum, { lag: own }) => sum + (own ?? 0), 0)
      : null
    return { partitions, rate: Math.max(0, rate), lag }
  }

  async #readSlow(): Promise<void> {
    const nowMs = this.#clock.monotonicMs()
    if (nowMs < this.#slowAtMs) return
    const found = await this.#admin.describeTopics(this.#names)
    this.#partitions = [...found.values()].flatMap(({ topic, partitionCount }) =>
      Array.from({ length: partitionCount }, (_, partition) => ({ topic, partition })),
    )
    this.#begins = await this.#admin.beginningOffsets(this.#partitions)
    // While topics are still being made it looks again at once.
    this.#slowAtMs = found.size < this.#names.length ? nowMs : nowMs + SLOW_MS
  }
}

/** All topics that an application reads, writes, or has for itself. */
export function topicsOf(plan: TopologyPlan): readonly string[] {
  const all = [...plan.subtopologies, ...plan.globalSubtopologies]
  const ends = all.flatMap(({ sourceTopics, sinkTopics }) => [...sourceTopics, ...sinkTopics])
  return [...new Set([...ends, ...internalTopicsOf(plan)])]
}
