import { BrokerError } from '../../broker/broker-error.ts'
import { AdminOnDemand } from '../../broker/open/admin-on-demand.ts'
import { errorFrom, StreamsError } from '../../common/errors/errors.ts'
import type { Counter } from '../../common/metrics/meter.ts'
import { METRIC_GROUPS } from '../../common/metrics/metrics.ts'
import { poolOf, type PostgresPool } from '../postgres/postgres-pool.ts'
import { DrainerLock } from './drainer-lock.ts'
import { outboxSettings, type OutboxOptions, type OutboxSettings } from './outbox-options.ts'
import { OutboxSession } from './outbox-session.ts'
import type { OutboxRow } from './outbox-table.ts'

/**
 * `standby`: another process drains, or the database or the brokers are away. `failed`: `ended` says why.
 */
export type OutboxState = 'standby' | 'draining' | 'closed' | 'failed'

/** How often a process in standby asks for the lock. */
const STANDBY_MS = 1_000

/** What does not pass by itself. */
const LASTING = ['OUTBOX_ROW_REFUSED', 'OUTBOX_TABLE_CHANGED', 'OUTBOX_REWOUND', 'LEDGER_UNREADABLE']

/**
 * Drains a table of PostgreSQL into a topic: each committed row once, those of one key in the order in which
 * their transactions were committed, over crashes of any side. Any number of processes may open it; one
 * drains, and another takes over when it ends. Throws `ConfigError` for options that cannot be.
 * @example
 * ```ts
 * const outbox = openOutbox({ pool, table: 'outbox', topic: 'orders', broker })
 * await outbox.close()
 * ```
 */
export function openOutbox<K = string, V = unknown>(options: OutboxOptions<K, V>): Outbox {
  return new Drainer<K, V>(outboxSettings(options))
}

export interface Outbox extends AsyncDisposable {
  readonly name: string
  readonly state: OutboxState
  /**
   * Resolves when it is closed. Rejects with what it cannot get over: `OUTBOX_ROW_REFUSED`,
   * `OUTBOX_TABLE_CHANGED`, `OUTBOX_REWOUND`, `LEDGER_UNREADABLE`.
   */
  readonly ended: Promise<void>
  /** Ends the draining, after the transaction that is under way. Idempotent. */
  close(): Promise<void>
}

class Drainer<K, V> implements Outbox {
  readonly name: string
  readonly ended: Promise<void>
  readonly #settings: OutboxSettings<K, V>
  readonly #pool: PostgresPool
  readonly #isOwnPool: boolean
  readonly #admin: AdminOnDemand
  readonly #closed = new AbortController()
  readonly #counters: { readonly rows: Counter; readonly transactions: Counter; readonly failures: Counter }
  #state: OutboxState = 'standby'
  #rowsMax: number
  #complaint: string | undefined
  #failures = 0
  /** When the oldest row came that was read last; 0: all was read. */
  #behindSinceMs = 0

  constructor(settings: OutboxSettings<K, V>) {
    const { name, broker, metrics, clock, batchRowsMax } = settings
    const { pool, isOwn } = poolOf(settings)
    this.name = name
    this.#settings = settings
    this.#pool = pool
    this.#isOwnPool = isOwn
    this.#admin = new AdminOnDemand(broker)
    this.#rowsMax = batchRowsMax
    const tags = { outbox: name }
    const counter = (metric: string) => metrics.counter(metric, tags, METRIC_GROUPS.own)
    this.#counters = {
      rows: counter('outbox-rows-published-total'),
      transactions: counter('outbox-transactions-total'),
      failures: counter('outbox-failures-total'),
    }
    const behindMs = () => (this.#behindSinceMs === 0 ? 0 : Math.max(0, clock.nowMs() - this.#behindSinceMs))
    metrics.gauge('outbox-draining', tags, () => Number(this.#state === 'draining'), METRIC_GROUPS.own)
    metrics.gauge('outbox-behind-ms', tags, behindMs, METRIC_GROUPS.own)
    this.ended = this.#run()
    // Whoever asks for `ended` is told; the log says it in any case.
    this.ended.catch(() => undefined)
  }

  get state(): OutboxState {
    return this.#state
  }

  async close(): Promise<void> {
    this.#closed.abort()
    await this.ended.catch(() => undefined)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #run(): Promise<void> {
    const { logger, metrics } = this.#settings
    try {
      while (!this.#closed.signal.aborted) await this.#try()
      this.#state = 'closed'
    } catch (error) {
      this.#state = 'failed'
      logger.log('error', errorFrom(error).message)
      throw error
    } finally {
      await this.#admin.close()
      if (this.#isOwnPool) await this.#pool.end()
      metrics.remove({ outbox: this.name })
    }
  }

  /** One session, or one look for the lock. Rejects with what lasts. */
  async #try(): Promise<void> {
    const { clock, backoff } = this.#settings
    try {
      await this.#session()
    } catch (error) {
      this.#state = 'standby'
      if (this.#closed.signal.aborted) return
      if (error instanceof StreamsError && LASTING.includes(error.code)) throw error
      // To find the row that is refused, they go one by one.
      if (error instanceof BrokerError && error.class === 'record-refused') this.#rowsMax = 1
      this.#counters.failures.add()
      this.#failures += 1
      this.#complain(errorFrom(error).message)
      await clock.sleep(backoff.delayMs(this.#failures, this.name), this.#closed.signal)
    }
  }

  async #session(): Promise<void> {
    const { clock } = this.#settings
    const lock = await this.#takeLock()
    if (!lock) return clock.sleep(STANDBY_MS, this.#closed.signal)
    try {
      const signal = AbortSignal.any([this.#closed.signal, lock.lost])
      const session = await OutboxSession.begin({
        settings: this.#settings,
        admin: await this.#admin.get(),
        ...{ lock, signal, rowsMax: this.#rowsMax, onStep: rows => this.#stepped(rows) },
      })
      try {
        await session.run()
      } finally {
        await session.close()
      }
      if (!this.#closed.signal.aborted)
        throw new StreamsError(
          'OUTBOX_LOCK_LOST',
          `the outbox "${this.name}" has lost its connection, and the lock with it`,
        )
    } finally {
      lock.free()
      this.#state = 'standby'
    }
  }

  async #takeLock(): Promise<DrainerLock | undefined> {
    const { clock, statementTimeoutMs } = this.#settings
    const late = new AbortController()
    const timer = clock.schedule(statementTimeoutMs, () => late.abort())
    try {
      return await DrainerLock.take(
        this.#pool,
        this.name,
        AbortSignal.any([this.#closed.signal, late.signal]),
      )
    } finally {
      timer.cancel()
    }
  }

  #stepped(rows: readonly OutboxRow[]): void {
    if (this.#complaint !== undefined)
      this.#settings.logger.log('info', `the outbox "${this.name}" drains again`)
    this.#complaint = undefined
    this.#state = 'draining'
    this.#failures = 0
    this.#behindSinceMs = rows[0]?.createdMs ?? 0
    if (rows.length === 0) return
    this.#counters.rows.add(rows.length)
    this.#counters.transactions.add()
  }

  /** One line an outage, not one a try. */
  #complain(message: string): void {
    if (message !== this.#complaint)
      this.#settings.logger.log(
        'warn',
        `the outbox "${this.name}" does not drain, and tries again: ${message}`,
      )
    this.#complaint = message
  }
}
