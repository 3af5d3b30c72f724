import type { Clock, Timer } from '../../../common/clock.ts'
import { exitNow, killIn } from '../../../common/exit-now.ts'

const LOOK_MS = 1_000
/** Looks in a row that find nothing open: the work of other addons cannot be seen, and gets this long. */
const LOOKS = 5
/** How long `process.exit` may take before the process is killed. */
const GRACE_MS = 1_000
/** Resources of standard input and output, which do not keep the process alive here. */
const OUTPUT = /^(TTY|Pipe)/

/**
 * Lets the process end although a native call never returns: the call holds a thread of libuv's pool, for
 * which the event loop and `process.exit` would wait for ever. To be called when the handle of the call is
 * closed. The process then ends when nothing else is open, or when the program calls `process.exit`.
 */
export function endDespiteStuckCall(clock: Clock, call: Promise<unknown>): void {
  let timer: Timer | undefined
  let quiet = 0
  const kill = () => killIn(GRACE_MS)
  const look = () => {
    quiet = process.getActiveResourcesInfo().every(name => OUTPUT.test(name)) ? quiet + 1 : 0
    if (quiet === LOOKS) exitNow(Number(process.exitCode ?? 0), GRACE_MS)
    timer = clock.schedule(LOOK_MS, look, { keepsAlive: false })
  }
  const returned = () => {
    timer?.cancel()
    process.off('exit', kill)
  }
  process.once('exit', kill)
  timer = clock.schedule(LOOK_MS, look, { keepsAlive: false })
  call.then(returned, returned)
}
