import { errorFrom, StreamsError } from '../../common/errors/errors.ts'
import { latePackage } from '../../common/late-package.ts'

/** What is used of `pg`: its own types are needed by nobody who does not use it. */
export interface PostgresResult {
  readonly rows: readonly unknown[]
  readonly rowCount: number | null
}

export interface PostgresClient {
  query(text: string, values?: unknown[]): Promise<PostgresResult>
  /** With true the connection is closed. */
  release(destroy?: boolean): void
  on(event: 'error', listener: (error: Error) => void): unknown
  removeListener(event: 'error', listener: (error: Error) => void): unknown
}

/** A `Pool` of the package `pg`. */
export interface PostgresPool {
  connect(): Promise<PostgresClient>
  on(event: 'error', listener: (error: Error) => void): unknown
  end(): Promise<void>
}

/** One of both. */
export interface PostgresAccess {
  /** Stays open. */
  readonly pool?: PostgresPool
  /** `postgres://…`, for a pool of its own; the package `pg` must be installed. */
  readonly connectionString?: string
}

interface PostgresPackage {
  readonly Pool: new (options: object) => PostgresPool
}

const pg = latePackage<PostgresPackage>('pg')

/**
 * The pool that was given, or one of its own. Throws `TypeError` where neither or both were given, and
 * `POSTGRES_CLIENT_MISSING`. `load` is for tests.
 */
export function poolOf(
  { pool, connectionString }: PostgresAccess,
  load: () => PostgresPackage = pg,
): { readonly pool: PostgresPool; readonly isOwn: boolean } {
  if ((pool === undefined) === (connectionString === undefined))
    throw new TypeError('give either pool, a Pool of the package pg, or connectionString')
  const used = pool ?? newPool(connectionString!, load)
  // An idle connection that breaks is replaced; without a listener it would end the process.
  used.on('error', () => undefined)
  return { pool: used, isOwn: pool === undefined }
}

function newPool(connectionString: string, load: () => PostgresPackage): PostgresPool {
  let Pool: PostgresPackage['Pool']
  try {
    ;({ Pool } = load())
  } catch (reason) {
    const cause = errorFrom(reason)
    const [first] = cause.message.split('\n', 1)
    throw new StreamsError(
      'POSTGRES_CLIENT_MISSING',
      `connectionString needs the package pg, which does not load: ${first}. Install it with "npm install pg"`,
      { cause },
    )
  }
  return new Pool({ connectionString, max: 8, connectionTimeoutMillis: 30_000, allowExitOnIdle: true })
}
