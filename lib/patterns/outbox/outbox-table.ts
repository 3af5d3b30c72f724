import { StreamsError } from '../../common/errors/errors.ts'
import { quoted, quotedTable } from '../postgres/identifiers.ts'
import type { PostgresClient } from '../postgres/postgres-pool.ts'

/**
 * The statements that make an outbox's table: `insert into outbox (key, value) values (…)` in the transaction
 * of what the row tells of. The other columns are filled by the database.
 */
export function outboxTableSql(table: string): string {
  const [name, last] = [quotedTable(table), table.split('.').at(-1)!]
  return `create table if not exists ${name} (
  id bigint generated always as identity (cache 1) primary key,
  xid xid8 not null default pg_current_xact_id(),
  created_at timestamptz not null default now(),
  key text,
  value jsonb,
  headers jsonb
);
create index if not exists ${quoted(`${last}_xid`)} on ${name} (xid);`
}

/** A row, as it is before it becomes a record. */
export interface OutboxRow {
  readonly id: string
  readonly key: string | null
  /** null deletes the key from a table. */
  readonly value: unknown
  readonly headers: { readonly [name: string]: string } | null
  readonly createdMs: number
}

/**
 * Transactions that are decided: what one snapshot sees and an older one does not see is a set that never
 * changes any more, whatever commits later, under whatever ids.
 */
export interface OutboxPosition {
  /** Snapshot whose rows are all in the topic; `1:1:` sees none. */
  readonly from: string
  /** Snapshot whose rows are being read; undefined: none. */
  readonly to?: string | undefined
  /** Rows that `to` sees are in the topic up to this id. */
  readonly afterId: string
}

export const BEGINNING: OutboxPosition = { from: '1:1:', afterId: '0' }

/** The reading side of an outbox's table. */
export class OutboxTable {
  readonly #table: string
  readonly #name: string

  constructor(table: string) {
    this.#table = table
    this.#name = quotedTable(table)
  }

  /** Which database, and which table in it, positions are of. Throws `OUTBOX_TABLE_UNFIT`. */
  async identity(client: PostgresClient): Promise<string> {
    const unfit = (fault: string) =>
      new StreamsError(
        'OUTBOX_TABLE_UNFIT',
        `the outbox "${this.#table}" ${fault}: make it with the statements of outboxTableSql("${this.#table}")`,
      )
    const columns = await rowsOf<{ name: string; type: string }>(client, COLUMNS, [this.#name])
    if (columns.length === 0) throw unfit('does not exist')
    const types = new Map(columns.map(({ name, type }) => [name, type]))
    for (const [name, type] of WANTED)
      if (types.get(name) !== type)
        throw unfit(`has ${types.get(name) ?? 'no'} ${name}, where ${type} ${name} is needed`)
    const caches = await rowsOf<{ cache: string }>(client, CACHE, [this.#name])
    // With a cache, sessions give out ids that they took earlier: then ids are not in the order of writes.
    if (caches[0]?.cache !== '1') throw unfit('has an id that no sequence with cache 1 gives')
    const [found] = await rowsOf<{ identity: string }>(client, IDENTITY, [this.#name])
    return found!.identity
  }

  /** The snapshot of now. */
  async snapshot(client: PostgresClient): Promise<string> {
    const [found] = await rowsOf<{ now: string }>(client, 'select pg_current_snapshot()::text as now')
    return found!.now
  }

  /** The next rows of the position, in the order of their ids; none: all that `to` sees have been read. */
  read(client: PostgresClient, position: Required<OutboxPosition>, limit: number): Promise<OutboxRow[]> {
    const { from, to, afterId } = position
    return rowsOf<OutboxRow>(
      client,
      // Ordered by the row's id, not by the text of the same name that comes out.
      `select present.id::text, key, value, headers, floor(extract(epoch from created_at) * 1000)::float8 as "createdMs"
from ${this.#name} as present
where xid >= pg_snapshot_xmin($1::pg_snapshot) and xid < pg_snapshot_xmax($2::pg_snapshot)
and not pg_visible_in_snapshot(xid, $1::pg_snapshot) and pg_visible_in_snapshot(xid, $2::pg_snapshot)
and present.id > $3::bigint order by present.id limit $4`,
      [from, to, afterId, limit],
    )
  }

  async delete(client: PostgresClient, rows: readonly OutboxRow[]): Promise<void> {
    const ids = rows.map(({ id }) => id)
    await client.query(`delete from ${this.#name} where id = any ($1::bigint[])`, [ids])
  }

  /** Deletes all that is in the topic, as of the position: what a drainer left that ended in between. */
  async deleteUpTo(client: PostgresClient, { from, to, afterId }: OutboxPosition): Promise<void> {
    await client.query(
      `delete from ${this.#name} where pg_visible_in_snapshot(xid, $1::pg_snapshot)
or ($2::text is not null and pg_visible_in_snapshot(xid, $2::text::pg_snapshot) and id <= $3::bigint)`,
      [from, to ?? null, afterId],
    )
  }
}

async function rowsOf<T>(client: PostgresClient, text: string, values: unknown[] = []): Promise<T[]> {
  return (await client.query(text, values)).rows as T[]
}

const WANTED = [
  ['id', 'bigint'],
  ['xid', 'xid8'],
  ['created_at', 'timestamp with time zone'],
  ['key', 'text'],
  ['value', 'jsonb'],
  ['headers', 'jsonb'],
] as const

const COLUMNS = `select attname::text as name, format_type(atttypid, atttypmod) as type
from pg_attribute where attrelid = to_regclass($1) and attnum > 0 and not attisdropped`

const CACHE = `select seqcache::text as cache from pg_sequence
where seqrelid = pg_get_serial_sequence($1, 'id')::regclass`

const IDENTITY = `select (select system_identifier::text from pg_control_system()) || '/' ||
(select oid::text from pg_database where datname = current_database()) || '/' || to_regclass($1)::oid::text as identity`

/** The first transaction that the snapshot does not know. */
export function snapshotEnd(snapshot: string): bigint {
  return BigInt(snapshot.split(':')[1]!)
}
