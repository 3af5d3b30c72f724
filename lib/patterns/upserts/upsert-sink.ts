import { exponentialBackoff } from '../../common/backoff.ts'
import { systemClock, type Clock } from '../../common/clock.ts'
import { METRIC_GROUPS } from '../../common/metrics/metrics.ts'
import type { StreamsBuilder } from '../../dsl/methods/streams-builder.ts'
import type { AsyncCall, AsyncProcessor, AsyncProcessorContext } from '../../dsl/options/async-functions.ts'
import type { RetryOptions } from '../../dsl/options/retry-options.ts'
import type { Record } from '../../processor/record.ts'
import { NonRetriableError } from '../../processor/retry-errors.ts'
import type { Serde } from '../../serde/serde.ts'
import { UpsertBatcher } from './upsert-batcher.ts'
import type { UpsertTarget, UpsertValues } from './upsert-target.ts'

export interface UpsertSinkOptions<K, V> {
  /** Names the operator, for its dead letters and its store. */
  readonly name: string
  /** Each of its records is the whole state of its key; null deletes. */
  readonly topic: string
  readonly keySerde?: Serde<K>
  readonly valueSerde?: Serde<V>
  readonly target: UpsertTarget
  /** The columns that tell rows apart. By the key alone: positions of one key can be compared. */
  readonly key: (key: K) => UpsertValues
  /** The other columns; null deletes the row. */
  readonly row: (value: V, key: K) => UpsertValues | null
  /**
   * To be raised when the topic was made anew, or has got more partitions: offsets begin again then, and
   * whatever is of a higher generation is newer. A whole number from 0, which is the default, to 32,767.
   */
  readonly generation?: number
  /** Rows of one statement. Default 500. */
  readonly batchRowsMax?: number
  /** Time for one statement, after which the connection is cut. Default 30,000. */
  readonly writeTimeoutMs?: number
  /**
   * What is other than usual about tries: by default without end, from 0.2 to 30 s apart, and in an outage
   * one a second. What the target refuses for good becomes a dead letter at once.
   */
  readonly retry?: Partial<Omit<RetryOptions, 'order' | 'onGiveUp'>>
  readonly clock?: Clock
}

const POSITION_BITS = 48n
const GENERATION_MAX = 32_767

/**
 * Writes a topic into an outside database: for each key the newest state, in batches, over crashes and
 * outages, by any number of processes. A record that comes again, and a process that was thought dead, never
 * take a row back. While the target is away, records wait, and once `retry.parkedMax` do, the topic does.
 * @example
 * ```ts
 * addUpsertSink<string, Site>(builder, {
 *   name: 'sites-sql',
 *   topic: 'sites',
 *   target: postgresTarget({ pool, table: 'sites', key: ['id'], columns: ['name', 'plan'] }),
 *   key: id => ({ id }),
 *   row: ({ name, plan }) => ({ name, plan }),
 * })
 * ```
 */
export function addUpsertSink<K, V>(builder: StreamsBuilder, options: UpsertSinkOptions<K, V>): void {
  const { name, topic, keySerde, valueSerde, generation = 0, batchRowsMax = 500 } = options
  const { writeTimeoutMs = 30_000 } = options
  checkWhole('generation', generation, [0, GENERATION_MAX])
  checkWhole('batchRowsMax', batchRowsMax, [1, 100_000])
  checkWhole('writeTimeoutMs', writeTimeoutMs, [1, 3_600_000])
  const settings = { ...options, generation, batchRowsMax, writeTimeoutMs }
  const serdes = { ...(keySerde && { keySerde }), ...(valueSerde && { valueSerde }) }
  builder
    .stream<K | null, V | null>(topic, { ...serdes, name: `${name}-source` })
    .processAsync(() => new UpsertProcessor(settings), {
      name,
      concurrency: 2 * batchRowsMax,
      // The batches end by their own limit, each some time after its rows have come.
      timeoutMs: Infinity,
      retry: {
        backoff: exponentialBackoff({ firstMs: 200, maxMs: 30_000 }),
        ...(options.retry?.giveUpAfterMs === undefined && { attempts: Number.MAX_SAFE_INTEGER }),
        circuit: { openAfter: 10, probeEveryMs: 1_000 },
        ...options.retry,
        // Positions make the order of writes no matter.
        order: 'none',
      },
    })
}

type Settings<K, V> = UpsertSinkOptions<K, V> &
  Required<Pick<UpsertSinkOptions<K, V>, 'generation' | 'batchRowsMax' | 'writeTimeoutMs'>>

class UpsertProcessor<K, V> implements AsyncProcessor<K | null, V | null, never, never> {
  readonly #settings: Settings<K, V>
  #batcher!: UpsertBatcher

  constructor(settings: Settings<K, V>) {
    this.#settings = settings
  }

  init({ metrics, logger, taskId }: AsyncProcessorContext): void {
    const { name, target, clock = systemClock, batchRowsMax, writeTimeoutMs } = this.#settings
    const tags = { 'task-id': taskId, node: name }
    const counter = (metric: string) => metrics.counter(metric, tags, METRIC_GROUPS.own)
    this.#batcher = new UpsertBatcher({
      ...{ target, clock, logger, batchRowsMax, writeTimeoutMs },
      counters: {
        written: counter('upsert-rows-written-total'),
        older: counter('upsert-rows-older-total'),
        failures: counter('upsert-failures-total'),
      },
    })
  }

  async process(record: Record<K | null, V | null>, call: AsyncCall): Promise<void> {
    await this.#batcher.add({ ...this.#rowOf(record), position: this.#positionOf(call) })
  }

  close(): void {
    this.#batcher.close()
  }

  /** What a callback throws it would throw again. */
  #rowOf({ key, value }: Record<K | null, V | null>): {
    readonly key: UpsertValues
    readonly values: UpsertValues | null
  } {
    const { name, topic, key: keyOf, row } = this.#settings
    if (key === null) throw new NonRetriableError(`a record of "${topic}" has no key: there is no row for it`)
    try {
      return { key: keyOf(key), values: value === null ? null : row(value, key) }
    } catch (cause) {
      throw new NonRetriableError(`a callback (key or row) of the upsert sink "${name}" has thrown`, {
        cause,
      })
    }
  }

  #positionOf({ offset }: AsyncCall): bigint {
    return (BigInt(this.#settings.generation) << POSITION_BITS) + BigInt(offset)
  }
}

function checkWhole(name: string, value: number, [min, max]: readonly [number, number]): void {
  if (Number.isSafeInteger(value) && value >= min && value <= max) return
  throw new TypeError(`${name} is ${value}: it must be a whole number from ${min} to ${max}`)
}
