import { spawn } from 'node:child_process'
import { describe, expect, it, onTestFinished } from 'vitest'
import { runProcesses } from '../../lib/cli/run/process-group.ts'
import { systemClock, type Clock } from '../../lib/common/clock.ts'
import type { Logger } from '../../lib/common/logger.ts'
import { eventually } from '../support/eventually.ts'

const PROGRAMS = {
  /** Until it is told to end. */
  waits: 'setInterval(() => {}, 1000)',
  fails: 'process.exitCode = 1',
  refuses: 'process.exitCode = 2',
}

/**
 * Real processes of a program that only lives, with a clock whose pauses are written down and last no time.
 */
function group(programs: readonly (keyof typeof PROGRAMS)[]) {
  const started: { index: number; pid: number }[] = []
  const pausesMs: number[] = []
  const lines: string[] = []
  const stop = new AbortController()
  const clock: Clock = {
    ...systemClock,
    monotonicMs: () => 0,
    sleep: async (delayMs, signal) => {
      // The limit of a stop is not to be shortened, only the pauses before a start.
      if (delayMs > 10_000) return systemClock.sleep(delayMs, signal)
      pausesMs.push(delayMs)
      await systemClock.nextTurn()
    },
  }
  const logger: Logger = { log: (level, message) => lines.push(`${level} ${message}`) }
  const start = (index: number) => {
    const child = spawn(process.execPath, ['-e', PROGRAMS[programs[index]!]], { stdio: 'ignore' })
    started.push({ index, pid: child.pid! })
    return child
  }
  const running = runProcesses({ count: programs.length, start, clock, logger, signal: stop.signal })
  const end = async () => {
    stop.abort()
    await running.catch(() => undefined)
  }
  onTestFinished(end)
  return { started, pausesMs, lines, running, end }
}

describe('runProcesses', () => {
  it('starts all, and a killed one again, while the others go on', async () => {
    const { started, lines, end } = group(['waits', 'waits'])
    await eventually(() => started.length === 2)
    const [first, second] = started
    process.kill(first!.pid, 'SIGKILL')
    await eventually(() => started.length === 3)
    expect(started[2]!.index).toBe(0)
    expect(() => process.kill(second!.pid, 0)).not.toThrow()
    expect(lines).toContain('warn process 0 has ended; starting it again')
    await end()
    // All are gone: a signal finds nobody.
    for (const { pid } of started) expect(() => process.kill(pid, 0)).toThrow('ESRCH')
  })

  it('a process that keeps failing is started with pauses that grow', async () => {
    const { pausesMs } = group(['fails'])
    await eventually(() => pausesMs.length >= 8)
    expect(pausesMs.slice(0, 8)).toEqual([200, 400, 800, 1600, 3200, 6400, 10_000, 10_000])
  })

  it('a process that refuses its command line ends the others, too', async () => {
    const { running, started } = group(['waits', 'refuses'])
    await expect(running).rejects.toMatchObject({ code: 'PROCESS_USAGE' })
    expect(() => process.kill(started[0]!.pid, 0)).toThrow('ESRCH')
  })
})
