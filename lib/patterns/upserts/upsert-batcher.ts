import type { Clock } from '../../common/clock.ts'
import { errorFrom, StreamsError } from '../../common/errors/errors.ts'
import type { Logger } from '../../common/logger.ts'
import type { Counter } from '../../common/metrics/meter.ts'
import { withTimeLimit } from '../../common/time-limit.ts'
import { UpsertRowError } from './upsert-row-error.ts'
import type { UpsertRow, UpsertTarget } from './upsert-target.ts'

export interface UpsertBatcherOptions {
  readonly target: UpsertTarget
  readonly clock: Clock
  readonly logger: Logger
  readonly batchRowsMax: number
  readonly writeTimeoutMs: number
  readonly counters: {
    readonly written: Counter
    readonly older: Counter
    readonly failures: Counter
  }
}

interface Waiting {
  readonly row: UpsertRow
  readonly id: string
  resolve(): void
  reject(error: unknown): void
}

/** The newest row of a key among those that wait, and the others. */
interface Newest {
  readonly newest: Waiting
  readonly older: readonly Waiting[]
}

/**
 * Writes rows in batches, one at a time: what comes while a batch is under way is the next one. Of a key only
 * the newest row is written; where a batch fails for one of its rows, the others are written without it.
 */
export class UpsertBatcher {
  readonly #options: UpsertBatcherOptions
  readonly #closed = new AbortController()
  #waiting: Waiting[] = []
  #isRunning = false
  #complaint: string | undefined

  constructor(options: UpsertBatcherOptions) {
    this.#options = options
  }

  /** Resolves when the row, or a newer one of its key, is in the target. */
  add(row: UpsertRow): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ row, id: idOf(row), resolve, reject })
      if (!this.#isRunning) void this.#run()
    })
  }

  /** Gives up what is under way. What waits is never settled. */
  close(): void {
    this.#closed.abort()
    this.#waiting = []
  }

  async #run(): Promise<void> {
    this.#isRunning = true
    // Rows of one turn of the loop go together.
    await this.#options.clock.nextTurn()
    while (this.#waiting.length > 0 && !this.#closed.signal.aborted) await this.#write(this.#take())
    this.#isRunning = false
  }

  #take(): Newest[] {
    const { batchRowsMax } = this.#options
    const byKey = new Map<string, Waiting[]>()
    const rest: Waiting[] = []
    for (const each of this.#waiting) {
      const same = byKey.get(each.id)
      if (same) same.push(each)
      else if (byKey.size < batchRowsMax) byKey.set(each.id, [each])
      else rest.push(each)
    }
    this.#waiting = rest
    // In one order everywhere: two processes that lock the same rows do not wait for each other.
    const keys = [...byKey.keys()].sort()
    return keys.map(key => newestOf(byKey.get(key)!))
  }

  async #write(batch: readonly Newest[]): Promise<void> {
    const { target, counters, logger } = this.#options
    try {
      const written = await this.#attempt(batch.map(({ newest }) => newest.row))
      const all = batch.flatMap(allOf)
      counters.written.add(written)
      counters.older.add(all.length - written)
      if (this.#complaint !== undefined) logger.log('info', `${target.name} takes rows again`)
      this.#complaint = undefined
      for (const each of all) each.resolve()
    } catch (error) {
      if (this.#closed.signal.aborted) return
      counters.failures.add()
      if (!(error instanceof UpsertRowError)) this.#failed(batch, error)
      else if (batch.length === 1) this.#refused(batch[0]!, error)
      else await this.#writeHalves(batch)
    }
  }

  async #attempt(rows: readonly UpsertRow[]): Promise<number> {
    const { target, clock, writeTimeoutMs: limitMs } = this.#options
    const late = new AbortController()
    const signal = AbortSignal.any([late.signal, this.#closed.signal])
    return withTimeLimit(
      clock,
      {
        limitMs,
        late: () => {
          late.abort()
          throw new StreamsError(
            'UPSERT_TIMEOUT',
            `${target.name} did not take ${rows.length} rows within ${limitMs} ms (writeTimeoutMs)`,
          )
        },
      },
      target.write(rows, signal),
    )
  }

  async #writeHalves(batch: readonly Newest[]): Promise<void> {
    const middle = batch.length >> 1
    await this.#write(batch.slice(0, middle))
    await this.#write(batch.slice(middle))
  }

  /** The newest row is refused, which says nothing about those before it. */
  #refused({ newest, older }: Newest, error: UpsertRowError): void {
    newest.reject(error)
    this.#waiting.unshift(...older)
  }

  /** All are tried again, by whoever has added them. */
  #failed(batch: readonly Newest[], reason: unknown): void {
    const { message } = errorFrom(reason)
    const { target, logger } = this.#options
    // One line an outage, not one a try.
    if (message !== this.#complaint) logger.log('warn', `${target.name} takes no rows: ${message}`)
    this.#complaint = message
    for (const each of batch.flatMap(allOf)) each.reject(reason)
  }
}

function newestOf(same: readonly Waiting[]): Newest {
  const newest = same.reduce((one, other) => (other.row.position > one.row.position ? other : one))
  return { newest, older: same.filter(each => each !== newest) }
}

function allOf({ newest, older }: Newest): Waiting[] {
  return [newest, ...older]
}

function idOf({ key }: UpsertRow): string {
  return JSON.stringify(
    Object.keys(key)
      .sort()
      .map(name => [name, textOf(key[name])]),
  )
}

function textOf(value: unknown): unknown {
  return typeof value === 'bigint' ? `${value}n` : value
}
