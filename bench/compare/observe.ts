import { setTimeout as sleep } from 'node:timers/promises'
import type { Admin, ProcessingGuarantee, TopicPartition } from '../../lib/index.ts'
import type { Application } from './application.ts'

/**
 * Both sides are measured by this one observer, which asks the broker only: which partitions the group has
 * given out, how far its committed offsets are, where topics end. A commit comes after the outputs of what it
 * covers are flushed, so progress here is work that is done and safe, by the same yardstick for any program
 * that uses the group protocol; nothing depends on what a program says of itself.
 */
export interface Subject {
  readonly admin: Admin
  readonly application: Application
  readonly groupId: string
  readonly guarantee: ProcessingGuarantee
  /** Read to their ends; what is counted are the records of the first. */
  readonly inputs: readonly TopicEnd[]
  readonly output: string
  readonly partitions: number
  /**
   * Work goes through topics of the application's own, which lie behind the inputs' offsets: the end is the
   * last output, not the last commit.
   */
  readonly hasStages: boolean
}

export interface TopicEnd {
  readonly topic: string
  readonly records: number
}

export interface Progress {
  readonly atMs: number
  readonly records: number
}

export interface Observation {
  readonly assignedMs: number
  readonly firstOutputMs: number
  /** One for each commit that was seen, the last one with everything done. */
  readonly commits: readonly Progress[]
  readonly endMs: number
}

const PAUSE_MS = 10
/** Without any progress for so long, the run has failed. */
const STALLED_MS = 120_000

export function partitionsOf(topic: string, count: number): TopicPartition[] {
  return Array.from({ length: count }, (_, partition) => ({ topic, partition }))
}

/**
 * Resolves at the moment at which the group has given partitions to a member. Start-up is over then, on both
 * sides.
 */
export async function untilAssigned({
  admin,
  application,
  groupId,
}: Pick<Subject, 'admin' | 'application' | 'groupId'>): Promise<number> {
  const deadline = performance.now() + STALLED_MS
  while (performance.now() < deadline) {
    application.assertAlive()
    // A group that does not exist yet, or whose coordinator is being elected.
    const group = await admin.describeGroup(groupId).catch(() => undefined)
    if (group?.members.some(({ partitions }) => partitions.length > 0)) return performance.now()
    await sleep(PAUSE_MS)
  }
  throw new Error(`${groupId} has got no partitions within ${STALLED_MS / 1000} s`)
}

export async function observe(subject: Subject): Promise<Observation> {
  const assignedMs = await untilAssigned(subject)
  const sight = new Sight(subject)
  let deadline = assignedMs + STALLED_MS
  while (!(await sight.isComplete())) {
    subject.application.assertAlive()
    if (await sight.look()) deadline = performance.now() + STALLED_MS
    if (performance.now() > deadline)
      throw new Error(`${subject.groupId}: ${sight.describe()} since ${STALLED_MS / 1000} s`)
    await sleep(PAUSE_MS)
  }
  const { commits, firstOutputMs, lastOutputMs } = sight
  const endMs = subject.hasStages ? lastOutputMs! : commits.at(-1)!.atMs
  return { assignedMs, firstOutputMs: firstOutputMs!, commits, endMs }
}

/** What has been seen of one run. */
class Sight {
  readonly commits: Progress[] = []
  firstOutputMs: number | undefined
  lastOutputMs: number | undefined
  readonly #subject: Subject
  readonly #inputs: readonly TopicPartition[]
  readonly #ends: number
  #read = 0
  #outputs = 0

  constructor(subject: Subject) {
    this.#subject = subject
    this.#inputs = subject.inputs.flatMap(({ topic }) => partitionsOf(topic, subject.partitions))
    this.#ends = subject.inputs.reduce((sum, { records }) => sum + records, 0)
  }

  /** True where something has changed. */
  async look(): Promise<boolean> {
    const isFurther = await this.#lookAtCommits()
    const asksForOutputs = this.#subject.hasStages || this.firstOutputMs === undefined
    return (asksForOutputs && (await this.#lookAtOutputs())) || isFurther
  }

  async isComplete(): Promise<boolean> {
    if (this.#read < this.#ends || this.firstOutputMs === undefined) return false
    return !this.#subject.hasStages || (await this.#stagesAreRead())
  }

  describe(): string {
    return `${this.#read} of ${this.#ends} input records committed, ${this.#outputs} records out`
  }

  async #lookAtCommits(): Promise<boolean> {
    const { admin, groupId, inputs } = this.#subject
    const committed = [...(await admin.groupOffsets(groupId, this.#inputs)).values()]
    const atMs = performance.now()
    const sumOf = (offsets: typeof committed) => offsets.reduce((sum, { offset }) => sum + offset, 0)
    const read = sumOf(committed)
    if (read <= this.#read) return false
    this.#read = read
    this.commits.push({ atMs, records: sumOf(committed.filter(({ topic }) => topic === inputs[0]!.topic)) })
    return true
  }

  async #lookAtOutputs(): Promise<boolean> {
    const { admin, output, partitions } = this.#subject
    const ends = await admin.endOffsets(partitionsOf(output, partitions), 'read_committed')
    const atMs = performance.now()
    const outputs = sum(ends)
    if (outputs === this.#outputs) return false
    this.#outputs = outputs
    this.firstOutputMs ??= atMs
    this.lastOutputMs = atMs
    return true
  }

  /**
   * Whether everything in the topics between has been read and committed. A stage's outputs are flushed
   * before its offsets: once a topic is committed to its end the next one has got all it will get, so one
   * look is enough, if it asks for the ends last.
   */
  async #stagesAreRead(): Promise<boolean> {
    const { admin, groupId, guarantee } = this.#subject
    const between = (await admin.listTopics()).filter(
      topic => topic.startsWith(`${groupId}-`) && STAGE_TOPIC.test(topic),
    )
    const topics = [...(await admin.describeTopics(between)).values()]
    const partitions = topics.flatMap(({ topic, partitionCount }) => partitionsOf(topic, partitionCount))
    const committed = await admin.groupOffsets(groupId, partitions)
    const ends = await admin.endOffsets(partitions, 'read_uncommitted')
    // The last thing in a partition with transactions is a marker, which nobody need have passed.
    const marker = guarantee === 'exactly-once' ? 1 : 0
    const isRead = [...ends].every(
      ([id, end]) => end === 0 || (committed.get(id)?.offset ?? 0) >= end - marker,
    )
    // Outputs of the last commit may have come since they were looked at.
    return isRead && !(await this.#lookAtOutputs())
  }
}

/** Of repartitioning, and of a foreign-key join's subscriptions. */
const STAGE_TOPIC = /-(repartition|topic)$/

function sum(offsets: ReadonlyMap<string, number>): number {
  let total = 0
  for (const offset of offsets.values()) total += offset
  return total
}
