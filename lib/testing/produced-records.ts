import type { OutgoingRecord } from '../broker/broker.ts'

interface Produced {
  readonly records: OutgoingRecord[]
  /** How many of them a test has read. */
  taken: number
}

/** What a driver's topology has sent, by topic. */
export class ProducedRecords {
  readonly #topics = new Map<string, Produced>()

  add(record: OutgoingRecord): void {
    let produced = this.#topics.get(record.topic)
    if (!produced) this.#topics.set(record.topic, (produced = { records: [], taken: 0 }))
    produced.records.push(record)
  }

  /** The next that has not been taken. */
  take(topic: string): OutgoingRecord | undefined {
    const produced = this.#topics.get(topic)
    const record = produced?.records[produced.taken]
    if (produced && record) produced.taken += 1
    return record
  }

  left(topic: string): number {
    const produced = this.#topics.get(topic)
    return produced ? produced.records.length - produced.taken : 0
  }

  /** Taken or not. */
  all(topic: string): readonly OutgoingRecord[] {
    return this.#topics.get(topic)?.records ?? []
  }

  /** By name. */
  topics(): string[] {
    return [...this.#topics.keys()].sort()
  }
}
