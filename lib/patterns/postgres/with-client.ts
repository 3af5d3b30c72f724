import { abortable } from '../../common/abortable.ts'
import { isDatabaseError } from './database-error.ts'
import type { PostgresClient, PostgresPool } from './postgres-pool.ts'

/**
 * Works with a connection of the pool, and gives it back. When the signal aborts the connection is cut, and
 * it rejects at once; whether the statement under way is carried out is open.
 */
export async function withClient<T>(
  pool: PostgresPool,
  signal: AbortSignal,
  work: (client: PostgresClient) => Promise<T>,
): Promise<T> {
  const client = await connected(pool, signal)
  const ignore = () => undefined
  // The statement under way rejects with it, too; without a listener it would end the process.
  client.on('error', ignore)
  const working = work(client)
  let isBroken = false
  try {
    return await abortable(working, signal)
  } catch (error) {
    isBroken = !isDatabaseError(error)
    working.catch(ignore)
    throw error
  } finally {
    client.release(isBroken)
    if (!isBroken) client.removeListener('error', ignore)
  }
}

async function connected(pool: PostgresPool, signal: AbortSignal): Promise<PostgresClient> {
  const connecting = pool.connect()
  try {
    return await abortable(connecting, signal)
  } catch (error) {
    connecting.then(
      client => client.release(),
      () => undefined,
    )
    throw error
  }
}
