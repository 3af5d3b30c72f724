import type { Admin, Broker, OutgoingRecord } from '../../broker/broker.ts'
import { equalBytes } from '../../common/bytes.ts'
import { present } from '../../common/assert.ts'
import { BrokerError } from '../../broker/broker-error.ts'
import { TransactionalWriter } from '../../broker/open/transactional-writer.ts'
import type { Clock } from '../../common/clock.ts'
import { StreamsError } from '../../common/errors/errors.ts'
import { partitionKey } from '../../common/ids.ts'
import type { Random } from '../../common/random.ts'
import { atPresent, inRun, type Letter } from '../../processor/letter.ts'
import { isOf, type LetterBox } from './letter-box.ts'
import { isWanted, type LetterFilter } from './letter-filter.ts'
import { ensureLedger, LetterLedger, recordOf, type LedgerEntry, type PlacedLetter } from './letter-ledger.ts'
import { readLetters, type StoredLetter } from './read-letters.ts'

/** What letters are looked at and acted on with. */
export interface LetterClients {
  readonly applicationId: string
  readonly broker: Broker
  readonly admin: () => Promise<Admin>
  readonly clock: Clock
  readonly random: Random
  /** Who acts, for the ledger. */
  readonly by: string
  /** Ends what is under way, between two transactions. */
  readonly signal?: AbortSignal | undefined
}

export interface LetterActionOptions {
  /** Tells what would be done, and does nothing. Default: no. */
  readonly dryRun?: boolean
  /** Also those about which something was done before. Default: no. */
  readonly force?: boolean
  /** Called after each transaction. */
  readonly onProgress?: (done: { readonly count: number; readonly total: number }) => void
}

export interface ReplayOptions extends LetterActionOptions {
  /**
   * Gives the records the present time in place of their own, so that windows that have closed since do not
   * drop what comes of them. Default: no.
   */
  readonly now?: boolean
  /**
   * Bytes in place of the value of the source record, as its topic's serde writes them: for a letter whose
   * value was wrong. Throws `LETTER_NOT_CORRECTABLE` where the operator did not get that value, but what
   * operators above it made of it.
   */
  readonly value?: Uint8Array | null
}

/** What was done about letters, or would be. */
export interface LetterActionResult {
  readonly letters: readonly Letter[]
  /** How many were wanted, too, and left alone since something was done about them before. */
  readonly left: number
  /**
   * Those that cannot be replayed: of punctuators, and of topics that the topology does not read any more.
   * Where letters are named, also those of operators that it has not any more.
   */
  readonly homeless: readonly Letter[]
}

export interface LetterRunOptions extends LetterClients {
  readonly action: LedgerEntry['action']
  readonly box: LetterBox
  readonly filter: LetterFilter
  readonly options: ReplayOptions
  /** How many letters of other boxes were acted on before. */
  readonly before: number
}

/** Letters of one transaction. */
const BATCH_MAX = 500

interface Chosen extends Pick<LetterActionResult, 'left' | 'homeless'> {
  readonly wanted: readonly StoredLetter[]
}

/** Acts on the letters of one box: each in a transaction with its entry in the ledger. */
export class LetterRun {
  readonly #options: LetterRunOptions
  /** Every letter of the box. */
  readonly #all: PlacedLetter[] = []

  constructor(options: LetterRunOptions) {
    this.#options = options
  }

  /** What `act` would do now. */
  async plan(): Promise<LetterActionResult> {
    const { wanted, left, homeless } = await this.#choose(await this.#readLedger())
    return { letters: lettersOf(wanted), left, homeless }
  }

  async act(): Promise<LetterActionResult> {
    const { applicationId, box, admin } = this.#options
    await ensureLedger(applicationId, await admin())
    const id = `${applicationId}-dlq-${box.name}`
    const writer = await TransactionalWriter.open({
      ...this.#options,
      clientId: id,
      transactionalId: id,
    })
    try {
      return await this.#actBy(writer)
    } finally {
      await writer.close()
    }
  }

  async #actBy(writer: TransactionalWriter): Promise<LetterActionResult> {
    const { action, signal } = this.#options
    // Read when the writers before can change nothing any more.
    const ledger = await this.#readLedger()
    const { wanted, left, homeless } = await this.#choose(ledger)
    if (action === 'replayed') await this.#checkPlaces(wanted)
    const count = await this.#actOn(wanted, ledger, writer)
    if (action === 'purged' && !signal?.aborted) await this.#tidyUp(ledger, writer)
    return { letters: lettersOf(wanted.slice(0, count)), left, homeless }
  }

  async #readLedger(): Promise<LetterLedger> {
    const { applicationId, broker, admin, signal } = this.#options
    return LetterLedger.read(applicationId, { broker, admin: await admin(), signal })
  }

  async #choose(ledger: LetterLedger): Promise<Chosen> {
    const { applicationId, broker, admin, signal, action, box, filter, options } = this.#options
    // The last of each record: at-least-once may have written its letter twice.
    const asked = new Map<string, StoredLetter>()
    for await (const stored of readLetters(box.topic, { broker, admin: await admin(), signal })) {
      const { letter, partition, offset } = stored
      const { id, lastFailedMs, topic } = letter
      this.#all.push({ partition, offset, letter: { id, lastFailedMs, topic } })
      if (isOf(applicationId, box, letter) && isWanted(letter, filter)) asked.set(recordOf(stored), stored)
    }
    const open = [...asked.values()].filter(
      stored => options.force === true || !ledger.about(box.name, stored),
    )
    const isHomeless = (stored: StoredLetter) =>
      action === 'replayed' && (box.isGone === true || !box.replayPlace(stored))
    return {
      wanted: open.filter(stored => !isHomeless(stored)),
      left: asked.size - open.length,
      homeless: lettersOf(open.filter(isHomeless)),
    }
  }

  /** Returns how many letters were acted on: all, unless the signal has ended it. */
  async #actOn(
    wanted: readonly StoredLetter[],
    ledger: LetterLedger,
    writer: TransactionalWriter,
  ): Promise<number> {
    const { action, box, clock, random, by, signal, before, options } = this.#options
    const run = random.uuid()
    let count = 0
    while (count < wanted.length && !signal?.aborted) {
      const batch = wanted.slice(count, count + BATCH_MAX)
      const done = { action, at: clock.nowMs(), by, run }
      const records = batch.flatMap(stored => [
        ...(action === 'replayed' ? [this.#replayed(stored, run)] : []),
        ledger.note(box.name, stored, done),
      ])
      await this.#write(writer, records, before + count)
      count += batch.length
      options.onProgress?.({ count: before + count, total: before + wanted.length })
    }
    return count
  }

  #replayed(stored: StoredLetter, run: string): OutgoingRecord {
    const { box, clock, options } = this.#options
    const place = present(box.replayPlace(stored), 'place of a letter that is replayed')
    const { key, headers } = stored.record
    const value = options.value === undefined ? stored.record.value : this.#corrected(stored, options.value)
    const timestamp = clock.nowMs()
    const sent = options.now ? atPresent(headers, timestamp) : headers
    return { ...place, key, value, timestamp, headers: inRun(sent, run) }
  }

  #corrected({ letter }: StoredLetter, value: Uint8Array | null): Uint8Array | null {
    if (this.#options.box.isShared || equalBytes(letter.input.value, letter.value)) return value
    throw new StreamsError(
      'LETTER_NOT_CORRECTABLE',
      `letter ${letter.id} of ${letter.operator} cannot be corrected: the operator got what others had made of the record. Write the corrected record to ${letter.topic}, and purge the letter`,
    )
  }

  async #checkPlaces(wanted: readonly StoredLetter[]): Promise<void> {
    const { box, admin } = this.#options
    const places = wanted.flatMap(stored => box.replayPlace(stored) ?? [])
    const topics = await (await admin()).describeTopics([...new Set(places.map(({ topic }) => topic))])
    for (const place of places) {
      const found = topics.get(place.topic)
      if (found && place.partition < found.partitionCount) continue
      const missing = found
        ? `partition ${partitionKey(place.topic, place.partition)}`
        : `topic ${place.topic}`
      throw new StreamsError(
        'REPLAY_TOPIC_MISSING',
        `there is no ${missing}, from which letters of ${box.name} are taken again: the application makes it when it starts. Start it once, then replay`,
      )
    }
  }

  async #write(
    writer: TransactionalWriter,
    records: readonly OutgoingRecord[],
    before: number,
  ): Promise<void> {
    try {
      await writer.write(records)
    } catch (error) {
      if (!(error instanceof BrokerError && error.class === 'fenced')) throw error
      throw new StreamsError(
        'REPLAY_FENCED',
        `somebody else has begun to replay or purge the dead letters of ${this.#options.box.name}: this call has ended after ${before} letters`,
        { cause: error },
      )
    }
  }

  /**
   * Deletes purged letters that no other lies before, and forgets what was done about those that are gone.
   */
  async #tidyUp(ledger: LetterLedger, writer: TransactionalWriter): Promise<void> {
    const { box, admin, clock } = this.#options
    const ends = new Map<number, number>()
    const staying: PlacedLetter[] = []
    const stopped = new Set<number>()
    for (const stored of this.#all) {
      const { partition, offset } = stored
      if (ledger.about(box.name, stored)?.action !== 'purged') stopped.add(partition)
      if (stopped.has(partition)) staying.push(stored)
      else ends.set(partition, offset + 1)
    }
    const before = Array.from(ends, ([partition, offset]) => ({ topic: box.topic, partition, offset }))
    // Others may have letters in a shared topic.
    if (before.length > 0 && !box.isShared) await (await admin()).deleteRecords(before)
    const forgotten = box.isShared ? [] : ledger.forgotten(box.name, staying, clock.nowMs())
    if (forgotten.length > 0) await this.#write(writer, forgotten, this.#options.before)
  }
}

function lettersOf(stored: readonly StoredLetter[]): Letter[] {
  return stored.map(({ letter }) => letter)
}
