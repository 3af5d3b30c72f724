import { abortable } from '../../common/abortable.ts'
import type { PostgresClient, PostgresPool } from '../postgres/postgres-pool.ts'

/**
 * The lock of whoever drains an outbox: an advisory lock of a connection, which the database frees when the
 * connection ends. It says who is to drain; that an older drainer writes nothing more is the brokers' part.
 */
export class DrainerLock {
  readonly client: PostgresClient
  readonly #lost = new AbortController()

  private constructor(client: PostgresClient) {
    this.client = client
    client.on('error', () => this.#lost.abort())
  }

  /** Aborts when the connection, and the lock with it, is gone. */
  get lost(): AbortSignal {
    return this.#lost.signal
  }

  /** Undefined where another has it. */
  static async take(pool: PostgresPool, name: string, signal: AbortSignal): Promise<DrainerLock | undefined> {
    const connecting = pool.connect()
    let client: PostgresClient
    try {
      client = await abortable(connecting, signal)
    } catch (error) {
      connecting.then(
        late => late.release(),
        () => undefined,
      )
      throw error
    }
    const lock = new DrainerLock(client)
    try {
      const text = `select pg_try_advisory_lock(hashtextextended('millrace-outbox/' || $1, 0)) as taken`
      const { rows } = await abortable(client.query(text, [name]), signal)
      if ((rows[0] as { readonly taken: boolean }).taken) return lock
      lock.free()
      return undefined
    } catch (error) {
      lock.free()
      throw error
    }
  }

  /** Ends the connection, which frees the lock whatever state it is in. */
  free(): void {
    this.client.release(true)
  }
}
