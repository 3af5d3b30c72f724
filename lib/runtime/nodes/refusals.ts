import type { OutgoingRecord, RejectedRecord } from '../../broker/broker.ts'
import type { BrokerError } from '../../broker/broker-error.ts'
import { copyBytes, equalBytes } from '../../common/bytes.ts'
import { partitionKey } from '../../common/ids.ts'
import type { RecordContext } from '../../common/record-context.ts'
import type { HandlerAnswer } from './dead-letters.ts'

interface Note {
  readonly error: BrokerError
  readonly partition: number
  readonly key: Uint8Array | null
  readonly timestamp: number
  readonly valueBytes: number
}

export interface InputPlace {
  readonly topic: string
  readonly partition: number
  readonly offset: number
}

/** The reason why an input is not processed. */
export interface FailedInput {
  readonly error: Error
  /** The handler's answer, where it was asked already, and the node at which it was asked. */
  readonly answer?: HandlerAnswer<string>
  readonly nodeName?: string
}

/** Refusals noted of one epoch, or two. Further ones are found when the epochs are repeated. */
const NOTES_MAX = 1_000
/** Commits after which both epochs that a refusal took back are over. */
const COMMITS_KEPT = 2
/** Rounds in a row in which no repeated output was found to be one that was refused. */
const ROUNDS_IN_VAIN_MAX = 3
/** Inputs of an epoch from which on it is not limited any more. */
const WIDE = 100_000

/**
 * Outputs that the broker has refused for good after they were sent, when their input is long processed. The
 * epoch is dropped and repeated; repeated outputs are compared with the refused ones, so that the handler is
 * asked while the input is being processed, and its letter goes into the transaction that skips the record.
 *
 * A change for a changelog cannot be left out alone: the store would differ from its changelog.
 * Epochs are cut in halves until one has a single input, which has failed: it is skipped, and the handler for
 * processing is asked about it.
 */
export class Refusals {
  readonly #changelogs: ReadonlySet<string>
  readonly #notes = new Map<string, Note[]>()
  #count = 0
  #commits = 0
  #roundsInVain = 0
  #foundInRound = false
  #recordsMax = Infinity
  readonly #failedInputs = new Map<string, FailedInput>()
  /** Those of them that wait in an operator since a commit: they come when their calls have ended. */
  readonly #awaited = new Set<string>()

  constructor(changelogs: Iterable<string>) {
    this.#changelogs = new Set(changelogs)
  }

  isChangelog(topic: string): boolean {
    return this.#changelogs.has(topic)
  }

  /** Whether outputs have to be compared with refused ones. */
  get any(): boolean {
    return this.#count > 0
  }

  /** The number of inputs that an epoch may have. */
  get recordsMax(): number {
    return this.#recordsMax
  }

  /** Notes what a producer was told. The key is copied. */
  note(error: BrokerError, { topic, partition, key, timestamp, valueBytes }: RejectedRecord): void {
    if (error.class !== 'record-refused' || this.isChangelog(topic) || this.#count >= NOTES_MAX) return
    const notes = this.#notes.get(topic) ?? []
    notes.push({ error, partition, key: key && copyBytes(key), timestamp, valueBytes })
    this.#notes.set(topic, notes)
    this.#count += 1
  }

  /** Finds the refusal of a record like this one, and removes it; undefined where there was none. */
  take(record: OutgoingRecord): BrokerError | undefined {
    const notes = this.#notes.get(record.topic)
    const index = notes?.findIndex(note => isLike(note, record)) ?? -1
    if (!notes || index < 0) return undefined
    this.#foundInRound = true
    this.#count -= 1
    const [note] = notes.splice(index, 1)
    if (notes.length === 0) this.#notes.delete(record.topic)
    return note?.error
  }

  /**
   * Begins a round: the epochs with the refusal are dropped and repeated. False where rounds have led to
   * nothing.
   */
  beginRound(): boolean {
    this.#commits = 0
    this.#roundsInVain = this.#foundInRound ? 0 : this.#roundsInVain + 1
    this.#foundInRound = false
    return this.#roundsInVain <= ROUNDS_IN_VAIN_MAX
  }

  /**
   * Halves the inputs of an epoch, or skips its single input, after a changelog record was refused in epochs
   * of that many inputs. False where no input could be skipped: a punctuator made the change.
   */
  narrow(error: BrokerError, inputs: number, last: RecordContext | undefined): boolean {
    this.#foundInRound = true
    if (inputs > 1) {
      this.#recordsMax = Math.floor(Math.min(inputs, this.#recordsMax) / 2)
      return true
    }
    if (inputs === 0 || last?.topic === undefined) return false
    this.#recordsMax = 1
    const { topic, partition, offset } = last
    this.leaveOut({ topic, partition, offset }, { error })
    return true
  }

  /** Leaves this input out when the epochs since the last commit are repeated. */
  leaveOut(input: InputPlace, failed: FailedInput): void {
    this.#commits = 0
    this.#failedInputs.set(inputKey(input), failed)
  }

  get anyFailedInput(): boolean {
    return this.#failedInputs.size > 0
  }

  /** The failed input is not read again, but waits in an operator for another call. */
  await(input: InputPlace): void {
    this.#awaited.add(inputKey(input))
  }

  /** The reason why the input, which has come again, is not to be processed; undefined: there is none. */
  failureOf(input: InputPlace): FailedInput | undefined {
    const key = inputKey(input)
    const failed = this.#failedInputs.get(key)
    if (!failed) return undefined
    this.#awaited.delete(key)
    this.#commits = 0
    return failed
  }

  committed(): void {
    if (this.#recordsMax < Infinity) this.#recordsMax = widened(this.#recordsMax)
    this.#commits += 1
    this.#roundsInVain = 0
    if (this.#commits < COMMITS_KEPT) return
    if (this.#count > 0) {
      this.#notes.clear()
      this.#count = 0
    }
    // Inputs that were left out are behind the committed offsets by now.
    if (this.#failedInputs.size === 0 || this.#recordsMax < Infinity) return
    for (const key of this.#failedInputs.keys()) if (!this.#awaited.has(key)) this.#failedInputs.delete(key)
  }
}

function widened(recordsMax: number): number {
  return recordsMax >= WIDE ? Infinity : 2 * recordsMax
}

function isLike(note: Note, { partition, key, value, timestamp }: OutgoingRecord): boolean {
  return (
    note.partition === partition &&
    // Timestamp 0 equals 1: the native client cannot send 0, and sends 1.
    Math.max(1, note.timestamp) === Math.max(1, timestamp) &&
    note.valueBytes === (value?.length ?? 0) &&
    equalBytes(note.key, key)
  )
}

function inputKey({ topic, partition, offset }: InputPlace): string {
  return `${partitionKey(topic, partition)}@${offset}`
}
