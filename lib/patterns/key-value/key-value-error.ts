import { StreamsError } from '../../common/errors/errors.ts'

/** A `put` or `delete` that expected another version than the row has; nothing was written. */
export class VersionConflictError extends StreamsError {
  /** 0: there is no row. */
  readonly currentVersion: number

  constructor(
    topic: string,
    key: unknown,
    {
      expectedVersion,
      currentVersion,
    }: { readonly expectedVersion: number; readonly currentVersion: number },
  ) {
    super(
      'VERSION_CONFLICT',
      `store "${topic}": ${show(key)} has version ${currentVersion}, and ${expectedVersion} was expected: nothing was written`,
    )
    this.currentVersion = currentVersion
  }
}

export function writeTimeout(topic: string, timeoutMs: number): StreamsError {
  return new StreamsError(
    'KEY_VALUE_WRITE_TIMEOUT',
    `store "${topic}": a write was not confirmed within ${timeoutMs} ms; it may have been made, or be made later`,
  )
}

export function storeClosed(topic: string, cause?: Error): StreamsError {
  return cause
    ? new StreamsError('STORE_NOT_AVAILABLE', `store "${topic}" has failed: ${cause.message}`, { cause })
    : new StreamsError('CLOSED', `store "${topic}" was closed`)
}

export function noSingleWriter(topic: string): StreamsError {
  return new StreamsError(
    'NO_SINGLE_WRITER',
    `store "${topic}" is written directly, so no version can be expected: open it with writes: 'single-writer'`,
  )
}

function show(key: unknown): string {
  return typeof key === 'string' ? JSON.stringify(key) : String(key)
}
