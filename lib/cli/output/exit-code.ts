import { ConfigError, errorFrom, StreamsError } from '../../common/errors/errors.ts'
import type { LogLevel } from '../../common/logger.ts'
import { userFrame } from '../../common/user-frame.ts'
import { painted } from './colours.ts'

/**
 * 0: a clean end, or told to stop. 1: something failed. 2: the command line is wrong, and nothing was
 * started.
 */
export type ExitCode = 0 | 1 | 2

/** The command line asks for something that cannot be; the message names the option. */
export class UsageError extends StreamsError {}

export function exitCodeOf(error: unknown): ExitCode {
  return error instanceof UsageError ? 2 : 1
}

/** What `check` finds wrong was written on the command line, so it is told as that. */
export async function asUsage<T>(check: () => T | Promise<T>): Promise<T> {
  try {
    return await check()
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    throw new UsageError(error.code, error.message, { cause: error })
  }
}

/**
 * Runs a command to its end; a failure goes to standard error, `error: CODE: message`, and where in the
 * user's files it comes from.
 */
export async function exitCodeAfter(logLevel: LogLevel, command: () => Promise<void>): Promise<ExitCode> {
  try {
    await command()
    return 0
  } catch (reason) {
    const error = errorFrom(reason)
    const { stderr } = process
    const head = `${painted('red', 'error:', stderr)} ${painted('bold', `${codeOf(error)}:`, stderr)}`
    stderr.write(`${head} ${error.message}\n`)
    const frame = userFrame(error)
    if (frame !== undefined) process.stderr.write(`    ${frame}\n`)
    // The stack is for whoever looks for a bug, ours or in the topology; to others it hides the message.
    if (logLevel === 'debug') process.stderr.write(stacksOf(error))
    return exitCodeOf(error)
  }
}

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name
}

function stacksOf(error: Error): string {
  const own = `${error.stack ?? error.message}\n`
  return error.cause instanceof Error ? `${own}caused by ${stacksOf(error.cause)}` : own
}
