import type { Clock, Timer } from '../../../common/clock.ts'
import { exitNow, killIn } from '../../../common/exit-now.ts'

const LOOK_MS = 1_000
/** In a row: work of other addons is not seen, and gets as much time. */
const LOOKS = 5
/** The call has had its time already. */
const GRACE_MS = 1_000
/** Of standard input and output, which keep no process alive that has ended its work. */
const OUTPUT = /^(TTY|Pipe)/

/**
 * Lets the process end though a native call never returns: the call holds a thread of libuv's pool, for which
 * both the event loop and `process.exit` would wait for ever. To be called when its handle is closed. It ends
 * as soon as nothing else is open, or the program calls `process.exit`.
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
