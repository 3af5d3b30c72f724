import { StreamsError } from './errors/errors.ts'

/** Waits for the promise, or rejects as soon as the signal aborts: for waits that nobody needs any more. */
export async function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) throw abortError()
  let onAbort: () => void = () => undefined
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(abortError())
    signal.addEventListener('abort', onAbort, { once: true })
  })
  try {
    return await Promise.race([promise, aborted])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

function abortError(): StreamsError {
  return new StreamsError('ABORTED', 'the wait was ended before its answer came')
}
