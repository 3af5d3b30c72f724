import { setTimeout as sleep } from 'node:timers/promises'
import type { Admin, IsolationLevel, ProcessingGuarantee, TopicPartition } from '../../lib/index.ts'
import type { Application } from './application.ts'

/**
 * Both sides are measured by this one observer, which asks the broker only: which partitions the group has given out, how far its committed
 * offsets are, where topics end. A commit comes after the outputs of what it covers are flushed, so progress here is work that is done
 * and safe, by the same yardstick for any program that uses the group protocol; nothing depends on what a program says of itself.
 */
export interface Subject {
  readonly admin: Admin
  readonly application: Application
  readonly groupId: string
  readonly guarantee: ProcessingGuarantee
  readonly commitMs: number
  /** Read to their ends; what is counted are the records of the first. */
  readonly inputs: readonly TopicEnd[]
  readonly output: string
  readonly partitions: number
  /** Work goes through topics of the application's own, which lie behind the inputs' offsets: the end is when outputs stop coming. */
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

/** Resolves at the moment at which the group has given partitions to a member. Start-up is over then, on both sides. */
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
  let firstOutputMs: number | undefined
  let deadline = assignedMs + STALLED_MS
  for (;;) {
    subject.application.assertAlive()
    if (await sight.lookAtCommits()) deadline = performance.now() + STALLED_MS
    if (firstOutputMs === undefined && (await sight.outputs('read_committed')) > 0)
      firstOutputMs = performance.now()
    if (sight.isRead && firstOutputMs !== undefined) break
    if (performance.now() > deadline)
      throw new Error(`${subject.groupId}: ${sight.describe()} since ${STALLED_MS / 1000} s`)
    await sleep(PAUSE_MS)
  }
  const lastCommitMs = sight.commits.at(-1)!.atMs
  const endMs = subject.hasStages ? Math.max(lastCommitMs, await sight.untilQuiet()) : lastCommitMs
  return { assignedMs, firstOutputMs, commits: sight.commits, endMs }
}

/** What has been seen of one run. */
class Sight {
  readonly commits: Progress[] = []
  readonly #subject: Subject
  readonly #ends: number
  #read = 0

  constructor(subject: Subject) {
    this.#subject = subject
    this.#ends = subject.inputs.reduce((sum, { records }) => sum + records, 0)
  }

  get isRead(): boolean {
    return this.#read >= this.#ends
  }

  /** True where there was a new commit. */
  async lookAtCommits(): Promise<boolean> {
    const { admin, groupId, inputs, partitions } = this.#subject
    const asked = inputs.flatMap(({ topic }) => partitionsOf(topic, partitions))
    const committed = [...(await admin.groupOffsets(groupId, asked)).values()]
    const atMs = performance.now()
    const sumOf = (offsets: typeof committed) => offsets.reduce((sum, { offset }) => sum + offset, 0)
    const read = sumOf(committed)
    if (read <= this.#read) return false
    this.#read = read
    this.commits.push({ atMs, records: sumOf(committed.filter(({ topic }) => topic === inputs[0]!.topic)) })
    return true
  }

  async outputs(isolation: IsolationLevel): Promise<number> {
    const { admin, output, partitions } = this.#subject
    return sum(await admin.endOffsets(partitionsOf(output, partitions), isolation))
  }

  /** The moment of the last output: the one after which two commits and a bit bring no other. */
  async untilQuiet(): Promise<number> {
    const quietMs = 2 * this.#subject.commitMs + 500
    let outputs = await this.outputs('read_uncommitted')
    let changedMs = performance.now()
    let seenMs = changedMs
    while (seenMs - changedMs < quietMs) {
      await sleep(PAUSE_MS)
      const now = await this.outputs('read_uncommitted')
      seenMs = performance.now()
      if (now === outputs) continue
      outputs = now
      changedMs = seenMs
    }
    return changedMs
  }

  describe(): string {
    return `${this.#read} of ${this.#ends} input records committed`
  }
}

function sum(offsets: ReadonlyMap<string, number>): number {
  let total = 0
  for (const offset of offsets.values()) total += offset
  return total
}
