import { Hono, type Context, type Env } from 'hono'
import { BrokerError, StreamsError, type Logger } from 'millrace'
import { RequestError } from './request-error.ts'

/**
 * An application without routes: what is not there, and what fails, is answered as
 * `{error: {code, message}}`.
 */
export function createJsonApp<E extends Env>(logger: Logger): Hono<E> {
  const app = new Hono<E>()
  app.notFound(c => answer(c, new RequestError(404, 'NOT_FOUND', `there is nothing at ${c.req.path}`)))
  app.onError((error, c) => answer(c, requestErrorFrom(error, logger)))
  return app
}

function answer(c: Context, { status, code, message }: RequestError): Response {
  return c.json({ error: { code, message } }, status)
}

/** What is not the sender's fault is told in the log, and to the sender without details. */
function requestErrorFrom(error: Error, logger: Logger): RequestError {
  if (error instanceof RequestError) return error
  logger.log('error', `a request failed: ${error.message}`, { error })
  if (error instanceof BrokerError || error instanceof StreamsError) {
    return new RequestError(503, 'NOT_AVAILABLE', 'not available at the moment: try again soon')
  }
  return new RequestError(500, 'INTERNAL', 'something went wrong here: the log has it')
}
