import { systemClock } from '../../common/clock.ts'
import { exitNow } from '../../common/exit-now.ts'
import type { ExitCode } from './exit-code.ts'

const WAIT_MS_MAX = 3000

/**
 * Lets the process end by itself, since then all output is written; only what keeps it alive without reason
 * is cut off, and named: it is a bug, of ours or of the service's.
 */
export function endProcess(exitCode: ExitCode): void {
  process.exitCode = exitCode
  const cutOff = () => {
    const open = process.getActiveResourcesInfo().filter(name => !/^(TTY|Pipe|FSReq)/.test(name))
    process.stderr.write(
      `warn  everything is closed but the process does not end; it is ended now. Open: ${open.join(', ')}\n`,
    )
    exitNow(exitCode)
  }
  systemClock.schedule(WAIT_MS_MAX, cutOff, { keepsAlive: false })
}

/** Whoever reads our output may go before it ends (`| head`); without a listener that would be a crash. */
export function tolerateClosedOutput(): void {
  for (const output of [process.stdout, process.stderr]) {
    output.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error
    })
  }
}
