import type { ChildProcess } from 'node:child_process'
import type { Clock } from '../../common/clock.ts'
import type { Logger } from '../../common/logger.ts'

export interface StopOptions {
  /** For the message. */
  readonly name: string
  readonly limitMs: number
  readonly clock: Clock
  readonly logger: Logger
}

/** Tells a process to end, and kills it where it has not within the limit. Resolves when it is gone. */
export async function stopChild(
  child: ChildProcess,
  { name, limitMs, clock, logger }: StopOptions,
): Promise<void> {
  if (hasEnded(child)) return
  const ended = new Promise<void>(resolve => child.once('exit', () => resolve()))
  const waiting = new AbortController()
  void ended.then(() => waiting.abort())
  child.kill('SIGTERM')
  await clock.sleep(limitMs, waiting.signal)
  if (!hasEnded(child)) {
    logger.log('error', `${name} has not ended within ${limitMs} ms and is killed`, { pid: child.pid })
    child.kill('SIGKILL')
  }
  await ended
}

/** One that could not be started has no number. */
export function hasEnded({ exitCode, signalCode, pid }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null || pid === undefined
}
