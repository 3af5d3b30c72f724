import type { Broker } from '../../broker/broker.ts'
import { exponentialBackoff, type Backoff } from '../../common/backoff.ts'
import { systemClock, type Clock } from '../../common/clock.ts'
import { ConfigError } from '../../common/errors/errors.ts'
import { consoleLogger, type Logger } from '../../common/logger.ts'
import { Metrics } from '../../common/metrics/metrics.ts'
import type { Serde } from '../../serde/serde.ts'
import { serdes } from '../../serde/serdes.ts'
import type { PostgresAccess } from '../postgres/postgres-pool.ts'
import type { OutboxRow } from './outbox-table.ts'

/** What a row becomes. */
export interface OutboxRecord<K, V> {
  readonly key: K | null
  readonly value: V | null
  readonly headers?: { readonly [name: string]: string }
  /** Milliseconds. Default: when the transaction of the row began. */
  readonly timestamp?: number
}

export interface OutboxOptions<K, V> extends PostgresAccess {
  /** Table as `outboxTableSql` makes it: `table` or `schema.table`. */
  readonly table: string
  /** It must exist. */
  readonly topic: string
  /** Stays open when the outbox closes. */
  readonly broker: Broker
  /** Of all drainers of this table, on all processes. Default: the table's. */
  readonly name?: string
  /** Default: key, value and headers as they are in the row. */
  readonly record?: (row: OutboxRow) => OutboxRecord<K, V>
  /** Default `serdes.string()`. */
  readonly keySerde?: Serde<K>
  /** Default `serdes.json()`. */
  readonly valueSerde?: Serde<V>
  /** Rows of one transaction. Default 500. */
  readonly batchRowsMax?: number
  /** Time between two looks for rows, where there are none. Default 200. */
  readonly pollMs?: number
  /** Whether rows are deleted once they are in the topic. Default true. */
  readonly deletePublished?: boolean
  /** Longest time for a statement, after which the connection is cut. Default 30,000. */
  readonly statementTimeoutMs?: number
  /** Between tries while the database or the brokers are away. Default: 0.2 to 10 s. */
  readonly backoff?: Backoff
  readonly clock?: Clock
  readonly logger?: Logger
  /** Default: a registry of its own. */
  readonly metrics?: Metrics
}

export type OutboxSettings<K, V> = Required<Omit<OutboxOptions<K, V>, keyof PostgresAccess>> & PostgresAccess

/** The options with their defaults. Throws `INVALID_SETTING`. */
export function outboxSettings<K, V>(options: OutboxOptions<K, V>): OutboxSettings<K, V> {
  const { table, name = table, clock = systemClock, batchRowsMax = 500, pollMs = 200 } = options
  const { statementTimeoutMs = 30_000 } = options
  for (const [setting, value] of Object.entries({ batchRowsMax, pollMs, statementTimeoutMs })) {
    if (Number.isSafeInteger(value) && value >= 1) continue
    throw new ConfigError(
      'INVALID_SETTING',
      `outbox "${name}": ${setting} is ${value}: it must be a whole number of at least 1`,
    )
  }
  if (!/^[\w.-]{1,200}$/.test(name)) {
    throw new ConfigError(
      'INVALID_SETTING',
      `outbox name ${JSON.stringify(name)}: it is part of the name of a topic, so give one of letters, digits, _, . and -`,
    )
  }
  return {
    keySerde: serdes.string() as Serde<unknown> as Serde<K>,
    valueSerde: serdes.json<V>(),
    record: ({ key, value, headers }) => ({ key: key as K, value: value as V, ...(headers && { headers }) }),
    deletePublished: true,
    backoff: exponentialBackoff({ firstMs: 200, maxMs: 10_000 }),
    logger: consoleLogger('info'),
    metrics: new Metrics({ clock }),
    ...options,
    ...{ name, clock, batchRowsMax, pollMs, statementTimeoutMs },
  }
}
