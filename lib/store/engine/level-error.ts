import {
  errorFrom,
  StateDirectoryError,
  StreamsError,
  TaskCorruptedError,
} from '../../common/errors/errors.ts'

/**
 * Texts of the operating system where nothing is wrong with the files: LevelDB passes the texts on, not the
 * codes.
 */
const REFUSALS: readonly (readonly [says: RegExp, mend: string])[] = [
  [/No space left on device|Disk quota exceeded|ENOSPC|EDQUOT/, 'make room on the disk'],
  [/Too many open files|EMFILE|ENFILE/, 'raise the limit of open files (ulimit -n)'],
  [
    /Permission denied|Operation not permitted|Read-only file system|EACCES|EPERM|EROFS/,
    'make it readable and writable for the user of this process',
  ],
  [/Cannot allocate memory|ENOMEM/, 'give the process more memory'],
]

const DAMAGES = new Set(['LEVEL_CORRUPTION', 'LEVEL_IO_ERROR', 'LEVEL_NOT_FOUND'])

/**
 * The meaning of LevelDB's error: the files are damaged (`TaskCorruptedError`), or the operating system
 * refuses, in which case they are as good as before (`StateDirectoryError`, `STATE_DIRECTORY_UNUSABLE`).
 * Other errors are returned as they are.
 */
export function levelError(error: unknown, directory: string): Error {
  if (error instanceof StreamsError) return error
  const root = rootOf(error)
  const refusal = refusalOf(root, directory, error)
  if (refusal) return refusal
  if (!DAMAGES.has(String(codeOf(root)))) return errorFrom(error)
  return new TaskCorruptedError(`the state in "${directory}" cannot be read: ${root.message}`, {
    cause: error,
  })
}

/** The meaning of an error that kept a database from being opened, where every error has one. */
export function openError(error: unknown, directory: string): Error {
  const root = rootOf(error)
  if (codeOf(root) === 'LEVEL_LOCKED') return lockedError(directory, error)
  const meaning = levelError(error, directory)
  if (meaning instanceof StreamsError) return meaning
  return unusable(directory, root.message, error)
}

export function lockedError(directory: string, cause: unknown): Error {
  return new StreamsError(
    'STATE_DIRECTORY_LOCKED',
    `"${directory}" is in use by another process. Give each process its own state directory.`,
    { cause },
  )
}

/** The error of LevelDB's native part, which `level` wraps at opening. */
export function rootOf(error: unknown): Error {
  const outer = errorFrom(error)
  return outer.cause instanceof Error ? rootOf(outer.cause) : outer
}

function refusalOf(root: Error, directory: string, cause: unknown): Error | undefined {
  const [, mend] = REFUSALS.find(([says]) => says.test(root.message)) ?? []
  return mend === undefined ? undefined : unusable(directory, `${root.message}: ${mend}`, cause)
}

function unusable(directory: string, why: string, cause: unknown): Error {
  return new StateDirectoryError('STATE_DIRECTORY_UNUSABLE', `"${directory}" cannot be used: ${why}`, {
    cause,
  })
}

function codeOf(error: Error): unknown {
  return 'code' in error ? error.code : undefined
}
