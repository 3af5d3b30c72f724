import type { RawRecord } from '../../broker/broker.ts'
import type { Audit } from '../../streams/topology-file.ts'
import { IdTable } from './id-table.ts'

export interface AuditView {
  readonly name: string
  readonly description: string
  /** Time of the first record that was counted; null before it. */
  readonly since: number | null
  readonly expected: number
  /** Different ids that were expected, and have been seen. */
  readonly seen: number
  readonly lost: number
  readonly repeated: number
  /** Expected, not seen yet, and not long enough ago to be lost. */
  readonly pending: number
  /** Seen, and never expected: of records that are not kept any more, say. */
  readonly unexpected: number
  /** Records of which the audit's functions could not make an id. */
  readonly unreadable: number
  readonly examples: { readonly lost: readonly string[]; readonly repeated: readonly string[] }
  /** Whether there were more ids than are remembered: the rest is not counted. */
  readonly isFull: boolean
}

const GRACE_MS = 30_000
const IDS_MAX = 8_000_000
const WAITING_MAX = 1_000_000
const EXAMPLES = 10

/** The count of one audit: each expected id is to be seen exactly once. */
export class AuditCount {
  readonly #audit: Audit
  readonly #ids: IdTable
  /** Ids that were expected and not seen, by when. */
  readonly #waiting = new Map<string, number>()
  readonly #repeatedIds: string[] = []
  #sinceMs: number | null = null
  #expected = 0
  #seen = 0
  #repeated = 0
  #unexpected = 0
  #unreadable = 0
  #isFull = false

  constructor(audit: Audit, idsMax = IDS_MAX) {
    this.#audit = audit
    this.#ids = new IdTable(idsMax)
  }

  get topics(): readonly string[] {
    const { expected, seen } = this.#audit
    return [...new Set([...expected.topics, ...seen.topics])]
  }

  /** `atMs`: when it came, where it was not there before; its own time may be long ago. */
  take(record: RawRecord, { topic, atMs }: { readonly topic: string; readonly atMs: number }): void {
    const { expected, seen } = this.#audit
    const sinceMs = Math.max(atMs, record.timestamp)
    if (expected.topics.includes(topic))
      this.#with(expected, record, topic, id => this.#expect(id, record, sinceMs))
    if (seen.topics.includes(topic)) this.#with(seen, record, topic, id => this.#see(id, record))
  }

  /** `isCaughtUp`: nothing is said to be lost while what should be seen may still be unread. */
  view(nowMs: number, isCaughtUp: boolean): AuditView {
    const { name, description, graceMs = GRACE_MS } = this.#audit
    const lost: string[] = []
    let lostCount = 0
    if (isCaughtUp) {
      for (const [id, expectedMs] of this.#waiting) {
        if (expectedMs + graceMs > nowMs) continue
        lostCount += 1
        if (lost.length < EXAMPLES) lost.push(id)
      }
    }
    return {
      name,
      description,
      since: this.#sinceMs,
      expected: this.#expected,
      seen: this.#seen,
      lost: lostCount,
      repeated: this.#repeated,
      pending: this.#expected - this.#seen - lostCount,
      unexpected: this.#unexpected,
      unreadable: this.#unreadable,
      examples: { lost, repeated: this.#repeatedIds },
      isFull: this.#isFull,
    }
  }

  #with(side: Audit['seen'], record: RawRecord, topic: string, use: (id: string) => void): void {
    let id: string | undefined
    try {
      id = side.id(record, topic)
    } catch {
      // A foreign record must not end the audit; it is counted.
      this.#unreadable += 1
      return
    }
    if (id !== undefined) use(id)
  }

  #expect(id: string, { timestamp }: RawRecord, sinceMs: number): void {
    const before = this.#ids.expect(id)
    if (!before) return this.#overflow()
    if (before.isExpected) return
    this.#began(timestamp)
    this.#expected += 1
    if (before.seen === 0) {
      if (this.#waiting.size >= WAITING_MAX) return this.#overflow()
      this.#waiting.set(id, sinceMs)
      return
    }
    this.#unexpected -= 1
    this.#seen += 1
    if (before.seen > 1) this.#repeat(id)
  }

  #see(id: string, { timestamp }: RawRecord): void {
    const before = this.#ids.see(id)
    if (!before) return this.#overflow()
    this.#began(timestamp)
    this.#waiting.delete(id)
    if (before.seen === 0) {
      if (before.isExpected) this.#seen += 1
      else this.#unexpected += 1
    } else if (before.seen === 1 && before.isExpected) this.#repeat(id)
  }

  #repeat(id: string): void {
    this.#repeated += 1
    if (this.#repeatedIds.length < EXAMPLES) this.#repeatedIds.push(id)
  }

  #began(timestampMs: number): void {
    if (this.#sinceMs === null || timestampMs < this.#sinceMs) this.#sinceMs = timestampMs
  }

  #overflow(): void {
    this.#isFull = true
  }
}
