import type { Admin } from '../../broker/broker.ts'
import { BrokerError } from '../../broker/broker-error.ts'
import { TransactionalWriter } from '../../broker/open/transactional-writer.ts'
import { abortable } from '../../common/abortable.ts'
import { StreamsError } from '../../common/errors/errors.ts'
import { withTimeLimit } from '../../common/time-limit.ts'
import type { DrainerLock } from './drainer-lock.ts'
import { ensureOutboxLedger, outboxEntryRecord, readOutboxEntry, type OutboxEntry } from './outbox-ledger.ts'
import type { OutboxSettings } from './outbox-options.ts'
import { outboxRecord, rowRefused } from './outbox-records.ts'
import { OutboxTable, snapshotEnd, type OutboxRow } from './outbox-table.ts'

export interface SessionParts<K, V> {
  readonly settings: OutboxSettings<K, V>
  readonly lock: DrainerLock
  readonly admin: Admin
  /** Aborts when the session is to end. */
  readonly signal: AbortSignal
  /** Told of each step: the rows that have come into the topic, none where there were none. */
  readonly onStep: (rows: readonly OutboxRow[]) => void
  /** Of one transaction. */
  readonly rowsMax: number
}

/**
 * The work of one drainer, from the lock on until something fails. What it knows of the topic it has read
 * after the brokers have fenced every drainer before it, so nothing can come into the topic behind its back.
 */
export class OutboxSession<K, V> {
  readonly #parts: SessionParts<K, V>
  readonly #table: OutboxTable
  readonly #writer: TransactionalWriter
  readonly #partitionCount: number
  #entry: OutboxEntry

  private constructor(
    parts: SessionParts<K, V>,
    begun: {
      readonly table: OutboxTable
      readonly writer: TransactionalWriter
      readonly partitionCount: number
      readonly entry: OutboxEntry
    },
  ) {
    this.#parts = parts
    this.#table = begun.table
    this.#writer = begun.writer
    this.#partitionCount = begun.partitionCount
    this.#entry = begun.entry
  }

  static async begin<K, V>(parts: SessionParts<K, V>): Promise<OutboxSession<K, V>> {
    const { settings, lock, admin } = parts
    const { name, topic, broker, clock } = settings
    const table = new OutboxTable(settings.table)
    const identity = await asked(parts, table.identity(lock.client))
    const found = (await admin.describeTopics([topic])).get(topic)
    if (!found)
      throw new StreamsError('TOPIC_MISSING', `outbox "${name}": there is no topic "${topic}": create it`)
    await ensureOutboxLedger(name, admin)
    const id = `${name}-outbox`
    const writer = await TransactionalWriter.open({ broker, clock, clientId: id, transactionalId: id })
    try {
      const entry = await readOutboxEntry(name, { broker, admin, identity })
      const { partitionCount } = found
      const session = new OutboxSession(parts, { table, writer, partitionCount, entry })
      await session.#checkHistory()
      if (settings.deletePublished) await asked(parts, table.deleteUpTo(lock.client, entry.position))
      return session
    } catch (error) {
      await writer.close()
      throw error
    }
  }

  /** Drains until the signal aborts. Rejects with what fails; what is committed then is not known. */
  async run(): Promise<void> {
    const { signal, settings } = this.#parts
    const { clock, pollMs } = settings
    while (!signal.aborted) {
      const rows = await this.#step()
      this.#parts.onStep(rows)
      if (rows.length === 0) await clock.sleep(pollMs, signal)
    }
  }

  async close(): Promise<void> {
    await this.#writer.close()
  }

  async #step(): Promise<readonly OutboxRow[]> {
    const { lock, settings, rowsMax } = this.#parts
    const { from, to = await this.#snapshot(), afterId } = this.#entry.position
    const rows = await asked(this.#parts, this.#table.read(lock.client, { from, to, afterId }, rowsMax))
    const isWhole = rows.length < rowsMax
    const position = isWhole ? { from: to, afterId: '0' } : { from, to, afterId: rows[rows.length - 1]!.id }
    if (rows.length === 0) {
      // Nothing lies between: to know that is worth no record.
      this.#entry = { ...this.#entry, position }
      return rows
    }
    const published = this.#entry.published + rows.length
    await this.#publish(rows, { ...this.#entry, position, published })
    if (settings.deletePublished) await asked(this.#parts, this.#table.delete(lock.client, rows))
    return rows
  }

  async #publish(rows: readonly OutboxRow[], entry: OutboxEntry): Promise<void> {
    const { settings } = this.#parts
    const { name, clock } = settings
    const records = rows.map(row => outboxRecord(row, settings, this.#partitionCount))
    try {
      await this.#writer.write([...records, outboxEntryRecord(name, entry, clock.nowMs())])
    } catch (error) {
      const isRefused = error instanceof BrokerError && error.class === 'record-refused'
      if (isRefused && rows.length === 1) throw rowRefused(rows[0]!, name, error)
      throw error
    }
    this.#entry = entry
  }

  async #snapshot(): Promise<string> {
    return asked(this.#parts, this.#table.snapshot(this.#parts.lock.client))
  }

  /** Throws where the database knows less than it did: its ids are given out again then. */
  async #checkHistory(): Promise<void> {
    const { from, to = from } = this.#entry.position
    const now = await this.#snapshot()
    if (snapshotEnd(now) >= snapshotEnd(to)) return
    const { name } = this.#parts.settings
    throw new StreamsError(
      'OUTBOX_REWOUND',
      `the database of the outbox "${name}" is at transaction ${snapshotEnd(now)}, and was at ${snapshotEnd(to)}: it was restored from an older state. ` +
        'Delete the rows that are in the topic, and open the outbox under another name',
    )
  }
}

/** The answer of the database, in time, while the session is to go on. */
async function asked<T>(
  { settings, signal }: Pick<SessionParts<never, never>, 'signal'> & { readonly settings: SettingsOfAsked },
  answer: Promise<T>,
): Promise<T> {
  const { clock, name, statementTimeoutMs: limitMs } = settings
  const late = () => {
    throw new StreamsError(
      'OUTBOX_TIMEOUT',
      `the database of the outbox "${name}" did not answer within ${limitMs} ms (statementTimeoutMs)`,
    )
  }
  answer.catch(() => undefined)
  return withTimeLimit(clock, { limitMs, late }, abortable(answer, signal))
}

type SettingsOfAsked = Pick<OutboxSettings<never, never>, 'clock' | 'name' | 'statementTimeoutMs'>
