import type { OutgoingRecord } from '../broker/broker.ts'
import { inRun, readLetter, type Letter } from '../processor/letter.ts'

export interface TestReplayOptions {
  /** Which letters; default: all. */
  readonly where?: (letter: Letter) => boolean
  /** Whether those that were replayed before are replayed again. Default: no. */
  readonly force?: boolean
}

/** The dead letters of a driver's operators, and which of them were replayed. */
export class DriverLetters {
  readonly #applicationId: string
  readonly #produced: (topic: string) => readonly OutgoingRecord[]
  readonly #replayed = new WeakSet<OutgoingRecord>()
  #runs = 0

  constructor(applicationId: string, produced: (topic: string) => readonly OutgoingRecord[]) {
    this.#applicationId = applicationId
    this.#produced = produced
  }

  of(operator: string): Letter[] {
    return this.#records(operator).map(([letter]) => letter)
  }

  /** Takes those that are to be replayed, as records for the operator's replay topic. */
  take(operator: string, { where = () => true, force = false }: TestReplayOptions): OutgoingRecord[] {
    const topic = `${this.#applicationId}-${operator}-replay`
    const wanted = this.#records(operator).filter(
      ([letter, record]) => (force || !this.#replayed.has(record)) && where(letter),
    )
    for (const [, record] of wanted) this.#replayed.add(record)
    const run = String((this.#runs += 1))
    return wanted.map(([, record]) => ({
      ...record,
      topic,
      partition: 0,
      headers: inRun(record.headers, run),
    }))
  }

  #records(operator: string): (readonly [Letter, OutgoingRecord])[] {
    return this.#produced(`${this.#applicationId}-${operator}-dlq`).flatMap(record => {
      const letter = readLetter(record)
      return letter ? [[letter, record] as const] : []
    })
  }
}
