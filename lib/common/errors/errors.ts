/**
 * Base of every error that Millrace throws on purpose. `code` is stable and may be matched; the message is
 * for people and may change. Misuse that a type checker would have caught is a plain `TypeError` instead.
 */
export class StreamsError extends Error {
  readonly code: string

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = new.target.name
    this.code = code
  }
}

/** A topology that cannot be built: unknown names, duplicate stores, unlike partition counts. */
export class TopologyError extends StreamsError {}

/** A setting that is unknown, malformed or contradicts another. */
export class ConfigError extends StreamsError {}

/** State on disk or in a changelog cannot be used; the task has to be rebuilt from its changelog. */
export class TaskCorruptedError extends StreamsError {
  constructor(message: string, options?: ErrorOptions) {
    super('TASK_CORRUPTED', message, options)
  }
}

/**
 * The directory of the state cannot be used: the disk is full, files may not be read or written, or what was
 * rebuilt in it is damaged again. No handler of user code is asked about it.
 */
export class StateDirectoryError extends StreamsError {}

/** The partition is owned by somebody else now; whatever was not committed must be dropped. */
export class TaskMigratedError extends StreamsError {
  constructor(message: string, options?: ErrorOptions) {
    super('TASK_MIGRATED', message, options)
  }
}

/**
 * A record failed, and the handler asked said `fail`: the application stops with this, and no other handler
 * is asked again.
 */
export class RecordFailedError extends StreamsError {}

/**
 * A handler of errors threw, or answered what is no answer. `cause` is the error that it was asked about;
 * `thrown` is what it threw, undefined where it returned.
 */
export class ErrorHandlerError extends RecordFailedError {
  readonly thrown: unknown

  constructor(message: string, { cause, thrown }: { readonly cause: Error; readonly thrown: unknown }) {
    super('ERROR_HANDLER_FAILED', message, { cause })
    this.thrown = thrown
  }
}

/**
 * A callback that is called synchronously returned a promise. Misuse, and so a `TypeError`, with a code all
 * the same since it is met while records are processed: `ASYNC_PROCESSOR` for processors, `ASYNC_CALLBACK`
 * for all other callbacks.
 */
export class AsyncCallbackError extends TypeError {
  readonly code: 'ASYNC_CALLBACK' | 'ASYNC_PROCESSOR'

  constructor(code: 'ASYNC_CALLBACK' | 'ASYNC_PROCESSOR', message: string) {
    super(message)
    this.name = new.target.name
    this.code = code
  }
}

/**
 * A record failed, and is to be undone: the epoch is repeated without it. Nobody outside of the thread sees
 * this.
 */
export class InputRolledBackError extends RecordFailedError {
  constructor(message: string, options?: ErrorOptions) {
    super('INPUT_ROLLED_BACK', message, options)
  }
}

export function errorFrom(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason))
}
