import { createHash } from 'node:crypto'
import type { GroupDescription, TopicPartition } from '../../broker/broker.ts'
import { present } from '../../common/assert.ts'
import { StreamsError } from '../../common/errors/errors.ts'
import { taskId, type TaskId } from '../../common/ids.ts'
import { leadingTopicsOf } from '../../topology/internal-topics.ts'
import type { SubtopologyPlan } from '../../topology/plan.ts'

/** A task of the plan, which the group assigns by its anchor partition. */
export interface TaskPlan {
  readonly id: TaskId
  readonly subtopology: SubtopologyPlan
  readonly partition: number
  readonly anchor: TopicPartition
  /** All partitions that the task reads, the anchor included. */
  readonly partitions: readonly TopicPartition[]
}

/**
 * Which topic of each sub-topology is its anchor in the group: partition p of the anchor *is* task p, and the
 * partitions p of the other sources come with it. Kafka's assignors know nothing of sub-topologies; this
 * makes co-partitioning hold by construction.
 */
export class AnchorPlan {
  readonly #subtopologies = new Map<string, SubtopologyPlan>()
  readonly #partitionCounts: ReadonlyMap<string, number>

  constructor(subtopologies: readonly SubtopologyPlan[], partitionCounts: ReadonlyMap<string, number>) {
    this.#partitionCounts = partitionCounts
    // A sub-topology whose pattern matches no topic yet has no tasks.
    for (const plan of subtopologies) {
      const anchor = this.#anchorOf(plan)
      if (anchor !== undefined) this.#subtopologies.set(anchor, plan)
    }
  }

  /** Topics that the group's members subscribe to. */
  get topics(): string[] {
    return [...this.#subtopologies.keys()].sort()
  }

  task(anchor: TopicPartition): TaskPlan {
    const subtopology = present(
      this.#subtopologies.get(anchor.topic),
      `sub-topology of anchor ${anchor.topic}`,
    )
    const { partition } = anchor
    const partitions = subtopology.sourceTopics
      .filter(topic => partition < this.#countOf(topic))
      .map(topic => ({ topic, partition }))
    return { id: taskId(subtopology.id, partition), subtopology, partition, anchor, partitions }
  }

  /**
   * Partition counts of the topics that the sub-topology reads, but for its own; the largest is the number of
   * its tasks.
   */
  sourceCounts(subtopologyId: number): readonly number[] {
    for (const plan of this.#subtopologies.values())
      if (plan.id === subtopologyId) return leadingTopicsOf(plan).map(topic => this.#countOf(topic))
    return []
  }

  /**
   * Whether the application itself writes the topic: a repartition topic, or one between two of its
   * sub-topologies.
   */
  writes(topic: string): boolean {
    for (const { sinkTopics } of this.#subtopologies.values()) if (sinkTopics.includes(topic)) return true
    return false
  }

  /** Whether a task of these anchors reads topics that others write. */
  hasInputs(anchors: readonly TopicPartition[]): boolean {
    return anchors.some(anchor => this.task(anchor).partitions.some(({ topic }) => !this.writes(topic)))
  }

  /** Partitions read by the application that others write. */
  inputs(): TopicPartition[] {
    const topics = new Set<string>()
    for (const { sourceTopics } of this.#subtopologies.values())
      for (const topic of sourceTopics) if (!this.writes(topic)) topics.add(topic)
    return [...topics].flatMap(topic =>
      Array.from({ length: this.#countOf(topic) }, (_, partition) => ({ topic, partition })),
    )
  }

  /**
   * Hash of the division of work, equal for members that divide it in the same way. It stands in the client
   * id, where members see each other's: two programs with different anchors in one group would leave tasks
   * without an owner, or give them two.
   */
  get hash(): string {
    const plan = Array.from(this.#subtopologies, ([anchor, subtopology]) => [
      subtopology.id,
      anchor,
      [...leadingTopicsOf(subtopology)].sort(),
    ])
    return createHash('sha256').update(JSON.stringify(plan.sort())).digest('hex').slice(0, 8)
  }

  clientId(name: string): string {
    return `${name}-anchors-${this.hash}`
  }

  /** Throws `ANCHORS_CHANGED` if a live member divides the work differently. */
  checkMembers(group: GroupDescription): void {
    for (const { clientId } of group.members) {
      const hash = /-anchors-([0-9a-f]{8})$/.exec(clientId)?.[1]
      if (hash === undefined || hash === this.hash) continue
      throw new StreamsError(
        'ANCHORS_CHANGED',
        `group "${group.groupId}" has a live member (${clientId}) that runs another version of the topology, with other source ` +
          'topics or partition counts. Stop all members of the application, then start the new version.',
      )
    }
  }

  /** The anchor: the source with the most partitions; the first by name among equals. */
  #anchorOf(plan: SubtopologyPlan): string | undefined {
    return [...leadingTopicsOf(plan)].sort(
      (left, right) => this.#countOf(right) - this.#countOf(left) || (left < right ? -1 : 1),
    )[0]
  }

  #countOf(topic: string): number {
    return present(this.#partitionCounts.get(topic), `partition count of ${topic}`)
  }
}
