import { once } from 'node:events'
import type { ChildProcess } from 'node:child_process'
import type { Clock } from '../../common/clock.ts'
import type { Logger } from '../../common/logger.ts'
import { UsageError } from '../output/exit-code.ts'
import { stopChild } from '../lifecycle/stop-child.ts'

const PAUSE_MS = 200
const PAUSE_MS_MAX = 10_000
/** A process that lived as long as this was well: its next end starts with a short pause again. */
const WELL_MS = 10_000
const STOP_MS_MAX = 15_000

export interface ProcessGroupOptions {
  readonly count: number
  readonly start: (index: number) => ChildProcess
  readonly clock: Clock
  readonly logger: Logger
  readonly signal: AbortSignal
}

/**
 * Keeps so many processes running: one that ends is started again, after a pause that grows while it keeps
 * ending. When the signal aborts all are told to end, and waited for. Rejects with a `UsageError` where a
 * process says that its command line is wrong: starting it again would not mend that.
 */
export async function runProcesses(options: ProcessGroupOptions): Promise<void> {
  const stop = new AbortController()
  const signal = AbortSignal.any([options.signal, stop.signal])
  const places = Array.from({ length: options.count }, (_, index) =>
    // Whichever gives up takes the others with it.
    keepRunning(index, { ...options, signal }).finally(() => stop.abort()),
  )
  const results = await Promise.allSettled(places)
  const failed = results.find(result => result.status === 'rejected')
  if (failed) throw failed.reason
}

async function keepRunning(index: number, options: ProcessGroupOptions): Promise<void> {
  const { clock, logger, signal } = options
  let pauseMs = PAUSE_MS
  while (!signal.aborted) {
    const startedMs = clock.monotonicMs()
    const end = await runOne(index, options)
    if (signal.aborted) return
    if (end.exitCode === 2) throw new UsageError('PROCESS_USAGE', `process ${index} refuses its command line`)
    if (clock.monotonicMs() - startedMs >= WELL_MS) pauseMs = PAUSE_MS
    logger.log('warn', `process ${index} has ended; starting it again`, { ...end, pauseMs })
    await clock.sleep(pauseMs, signal)
    pauseMs = Math.min(pauseMs * 2, PAUSE_MS_MAX)
  }
}

interface ProcessEnd {
  readonly pid: number | undefined
  readonly exitCode: number | null
  readonly killedBy: NodeJS.Signals | null
}

async function runOne(index: number, options: ProcessGroupOptions): Promise<ProcessEnd> {
  const { logger, signal } = options
  const child = options.start(index)
  const { pid } = child
  logger.log('info', `process ${index} started`, { pid })
  const stopping = { ...options, name: `process ${index}`, limitMs: STOP_MS_MAX }
  const onStop = () => void stopChild(child, stopping)
  signal.addEventListener('abort', onStop, { once: true })
  try {
    const [exitCode, killedBy] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null]
    return { pid, exitCode, killedBy }
  } finally {
    signal.removeEventListener('abort', onStop)
  }
}
