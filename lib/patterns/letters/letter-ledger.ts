import type { Admin, Broker, OutgoingRecord } from '../../broker/broker.ts'
import { BrokerError } from '../../broker/broker-error.ts'
import { readTopic } from '../../broker/open/read-topic.ts'
import { utf8, utf8Text } from '../../common/bytes.ts'
import { StreamsError } from '../../common/errors/errors.ts'
import { NO_HEADERS } from '../../common/headers.ts'
import type { Letter } from '../../processor/letter.ts'
import type { StoredLetter } from './read-letters.ts'

/** What was done about a letter, by whom, when. */
export interface LedgerEntry {
  readonly v: 1
  readonly action: 'replayed' | 'purged'
  /** Of the letter: a record that was given up again since has a letter that nothing was done about. */
  readonly lastFailedMs: number
  /** Where the letter lies: clocks of processes differ, and may be set back. */
  readonly partition: number
  readonly offset: number
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly by: string
  /** Of one call: what was done together. */
  readonly run: string
}

/** A record may be given up again, after a replay: then it has another letter. */
export interface PlacedLetter extends Pick<StoredLetter, 'partition' | 'offset'> {
  readonly letter: Pick<Letter, 'id' | 'lastFailedMs' | 'topic'>
}

const SETTINGS = { 'cleanup.policy': 'compact' }

export function ledgerTopic(applicationId: string): string {
  return `${applicationId}-dlq-ledger`
}

/** Makes the topic where it is missing; several may do so at once. */
export async function ensureLedger(applicationId: string, admin: Admin): Promise<void> {
  const topic = ledgerTopic(applicationId)
  if ((await admin.describeTopics([topic])).has(topic)) return
  try {
    await admin.createTopics([{ topic, partitionCount: 1, config: SETTINGS }])
  } catch (error) {
    if (!(error instanceof BrokerError && error.code === 'TOPIC_ALREADY_EXISTS')) throw error
  }
}

/** What was done about an application's letters, as of one reading of its ledger. */
export class LetterLedger {
  readonly #topic: string
  readonly #entries = new Map<string, LedgerEntry>()

  private constructor(topic: string) {
    this.#topic = topic
  }

  /** Reads all that is committed at the call. Empty where there is no ledger yet. */
  static async read(
    applicationId: string,
    clients: { readonly broker: Broker; readonly admin: Admin; readonly signal?: AbortSignal | undefined },
  ): Promise<LetterLedger> {
    const ledger = new LetterLedger(ledgerTopic(applicationId))
    for await (const { records } of readTopic(ledger.#topic, { clientId: 'millrace-letters', ...clients }))
      for (const { key, value } of records) if (key) ledger.#take(utf8Text(key), value)
    return ledger
  }

  /** What was last done about the letter; undefined: nothing since it was written. */
  about(box: string, stored: PlacedLetter): LedgerEntry | undefined {
    const entry = this.#entries.get(keyOf(box, stored))
    return entry && isAsOf(entry, stored) ? entry : undefined
  }

  /** The record that says what is done about the letter. */
  note(
    box: string,
    stored: PlacedLetter,
    done: Pick<LedgerEntry, 'action' | 'at' | 'by' | 'run'>,
  ): OutgoingRecord {
    const key = keyOf(box, stored)
    const entry: LedgerEntry = { v: 1, ...upTo(stored, this.#entries.get(key)), ...done }
    this.#entries.set(key, entry)
    return this.#record(key, JSON.stringify(entry), done.at)
  }

  /** Tombstones for entries of the box whose letters its topic has not any more. */
  forgotten(box: string, staying: readonly PlacedLetter[], nowMs: number): OutgoingRecord[] {
    const kept = new Set(staying.map(stored => keyOf(box, stored)))
    const gone = [...this.#entries.keys()].filter(key => key.startsWith(`${box}/`) && !kept.has(key))
    return gone.map(key => this.#record(key, null, nowMs))
  }

  #take(key: string, value: Uint8Array | null): void {
    if (value === null) this.#entries.delete(key)
    else this.#entries.set(key, this.#read(key, utf8Text(value)))
  }

  #read(key: string, text: string): LedgerEntry {
    try {
      return JSON.parse(text) as LedgerEntry
    } catch (cause) {
      throw new StreamsError(
        'LEDGER_UNREADABLE',
        `the entry of ${key} in ${this.#topic} is no JSON: something else has written to the topic`,
        { cause },
      )
    }
  }

  #record(key: string, value: string | null, timestamp: number): OutgoingRecord {
    const bytes = value === null ? null : utf8(value)
    return { topic: this.#topic, partition: 0, key: utf8(key), value: bytes, timestamp, headers: NO_HEADERS }
  }
}

/** Names of operators and topics have no slash. */
function keyOf(box: string, stored: PlacedLetter): string {
  return `${box}/${recordOf(stored)}`
}

/**
 * Which record a letter is about. One that a punctuator made has no place of its own, and its id may be that
 * of another of the same moment: so its letter stands for it.
 */
export function recordOf({ letter, partition, offset }: PlacedLetter): string {
  return letter.topic === undefined ? `${letter.id}/${partition}-${offset}` : letter.id
}

/** What is done about a letter is done about those of its record that lie before it, whatever their times. */
function upTo(
  { letter: { lastFailedMs }, partition, offset }: PlacedLetter,
  before: LedgerEntry | undefined,
): Pick<LedgerEntry, 'lastFailedMs' | 'partition' | 'offset'> {
  return {
    lastFailedMs: Math.max(lastFailedMs, before?.lastFailedMs ?? lastFailedMs),
    partition,
    offset: before?.partition === partition ? Math.max(offset, before.offset) : offset,
  }
}

/** Whether the entry is about this letter, or about a later one of its record. */
function isAsOf(entry: LedgerEntry, { letter, partition, offset }: PlacedLetter): boolean {
  const isPast = entry.partition !== partition || entry.offset >= offset
  return isPast && entry.lastFailedMs >= letter.lastFailedMs
}
