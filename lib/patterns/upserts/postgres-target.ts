import { Buffer } from 'node:buffer'
import { StreamsError } from '../../common/errors/errors.ts'
import { isFaultOfRow, type DatabaseError } from '../postgres/database-error.ts'
import { quoted, quotedTable } from '../postgres/identifiers.ts'
import {
  poolOf,
  type PostgresAccess,
  type PostgresClient,
  type PostgresPool,
} from '../postgres/postgres-pool.ts'
import { withClient } from '../postgres/with-client.ts'
import { UpsertRowError } from './upsert-row-error.ts'
import type { UpsertRow, UpsertTarget, UpsertValues } from './upsert-target.ts'

export interface PostgresTargetOptions extends PostgresAccess {
  /** `table` or `schema.table`; it must exist. */
  readonly table: string
  /** Columns that tell rows apart: a primary key, or a unique index of just these. */
  readonly key: readonly string[]
  /** The other columns that are written. A deletion sets them to null, so they must allow it. */
  readonly columns: readonly string[]
  /** Column of type `bigint` with the position that the row is of. Default `source_position`. */
  readonly positionColumn?: string
  /** Column of type `boolean`: the row is deleted. Default `source_deleted`. */
  readonly deletedColumn?: string
}

/**
 * A table of PostgreSQL whose rows never go back. A deleted row stays, with its position, marked and without
 * its values: were it gone, an older state that comes again would make it anew.
 * @example
 * ```ts
 * const target = postgresTarget({ pool, table: 'sites', key: ['id'], columns: ['name', 'plan'] })
 * ```
 */
export function postgresTarget(options: PostgresTargetOptions): UpsertTarget {
  return new PostgresTarget(options)
}

class PostgresTarget implements UpsertTarget {
  readonly name: string
  readonly #options: PostgresTargetOptions
  readonly #columns: Required<Pick<PostgresTargetOptions, 'positionColumn' | 'deletedColumn'>>
  readonly #statement: string
  #pool: PostgresPool | undefined
  #isChecked = false

  constructor(options: PostgresTargetOptions) {
    const { table, positionColumn = 'source_position', deletedColumn = 'source_deleted' } = options
    this.name = `table "${table}"`
    this.#options = options
    this.#columns = { positionColumn, deletedColumn }
    this.#statement = upsertStatement(options, this.#columns)
  }

  async write(rows: readonly UpsertRow[], signal: AbortSignal): Promise<number> {
    const json = `[${rows.map(row => this.#json(row)).join(',')}]`
    this.#pool ??= poolOf(this.#options).pool
    return withClient(this.#pool, signal, async client => {
      if (!this.#isChecked) await this.#check(client)
      this.#isChecked = true
      try {
        return (await client.query(this.#statement, [json])).rowCount ?? 0
      } catch (error) {
        if (!isFaultOfRow(error)) throw error
        const { code, message } = error as DatabaseError
        throw new UpsertRowError(`${this.name} refuses a row: ${message} (SQLSTATE ${code})`, {
          cause: error,
        })
      }
    })
  }

  #json({ key, values, position }: UpsertRow): string {
    const { positionColumn, deletedColumn } = this.#columns
    this.#checkNames(key, values ?? {})
    const place = { [positionColumn]: String(position), [deletedColumn]: values === null }
    try {
      return JSON.stringify({ ...values, ...key, ...place }, asColumn)
    } catch (cause) {
      throw new UpsertRowError(`a row for ${this.name} cannot be written as JSON`, { cause })
    }
  }

  #checkNames(key: UpsertValues, values: UpsertValues): void {
    const { key: keyColumns, columns } = this.#options
    const missing = keyColumns.filter(name => key[name] === undefined || key[name] === null)
    if (missing.length > 0) throw new UpsertRowError(`a row for ${this.name} has no ${missing.join(', ')}`)
    const unknown = [
      ...Object.keys(key).filter(name => !keyColumns.includes(name)),
      ...Object.keys(values).filter(name => !columns.includes(name)),
    ]
    if (unknown.length === 0) return
    throw new UpsertRowError(
      `a row for ${this.name} has ${unknown.join(', ')}, which neither key nor columns of the target name`,
    )
  }

  /** Throws `UPSERT_TABLE_UNFIT`, until somebody has mended the table. */
  async #check(client: PostgresClient): Promise<void> {
    const { table, key, columns } = this.#options
    const { positionColumn, deletedColumn } = this.#columns
    const unfit = (fault: string) => new StreamsError('UPSERT_TABLE_UNFIT', `${this.name} ${fault}`)
    const found = (await client.query(COLUMNS, [quotedTable(table)])).rows as FoundColumn[]
    if (found.length === 0) throw unfit('does not exist, or may not be read: create it')
    const named = new Map(found.map(each => [each.name, each]))
    const missing = [...key, ...columns, positionColumn, deletedColumn].filter(name => !named.has(name))
    if (missing.length > 0) throw unfit(`has no column ${missing.join(', ')}: add it`)
    if (named.get(positionColumn)!.type !== 'bigint')
      throw unfit(`has ${positionColumn} of type ${named.get(positionColumn)!.type}: make it bigint`)
    const strict = columns.filter(name => named.get(name)!.required)
    if (strict.length > 0)
      throw unfit(`does not allow null in ${strict.join(', ')}, which a deletion sets: drop the not null`)
    const indexes = (await client.query(UNIQUE_INDEXES, [quotedTable(table)])).rows as FoundIndex[]
    const wanted = [...key].sort().join('\n')
    if (!indexes.some(({ names }) => [...names].sort().join('\n') === wanted))
      throw unfit(`has no primary key or unique index of ${key.join(', ')}: add one`)
  }
}

interface FoundColumn {
  readonly name: string
  readonly type: string
  readonly required: boolean
}

interface FoundIndex {
  readonly names: readonly string[]
}

const COLUMNS = `select attname::text as name, format_type(atttypid, atttypmod) as type, attnotnull as required
from pg_attribute where attrelid = to_regclass($1) and attnum > 0 and not attisdropped`

const UNIQUE_INDEXES = `select array_agg(a.attname::text) as names
from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any (i.indkey)
where i.indrelid = to_regclass($1) and i.indisunique and i.indisvalid and i.indpred is null and i.indexprs is null
group by i.indexrelid`

/** One parameter for any number of rows; PostgreSQL reads each value as the type of its column. */
function upsertStatement(
  { table, key, columns }: PostgresTargetOptions,
  { positionColumn, deletedColumn }: { readonly positionColumn: string; readonly deletedColumn: string },
): string {
  if (key.length === 0) throw new TypeError('key is empty: name the columns that tell rows apart')
  const position = quoted(positionColumn)
  const updated = [...columns.map(quoted), position, quoted(deletedColumn)]
  const all = [...key.map(quoted), ...updated].join(', ')
  const name = quotedTable(table)
  return `insert into ${name} as present (${all})
select ${all} from jsonb_populate_recordset(null::${name}, $1::jsonb)
on conflict (${key.map(quoted).join(', ')}) do update
set ${updated.map(each => `${each} = excluded.${each}`).join(', ')}
where present.${position} is null or excluded.${position} > present.${position}`
}

/** Bytes as PostgreSQL reads them, and large numbers with all of their digits. */
function asColumn(this: unknown, name: string, value: unknown): unknown {
  // JSON has no NaN: as text PostgreSQL takes or refuses it, by the column's type.
  if (typeof value === 'bigint' || (typeof value === 'number' && !Number.isFinite(value)))
    return String(value)
  // A Buffer has become an object by its toJSON.
  const original = (this as UpsertValues)[name]
  return original instanceof Uint8Array ? `\\x${Buffer.from(original).toString('hex')}` : value
}
