import { spawn } from 'node:child_process'

/**
 * Time after which the process is killed: longer than any call of the native client that keeps to its time.
 */
const GRACE_MS = 15_000

/**
 * Ends the process with this code. `process.exit` waits for the threads of libuv's pool
 * (`uv_library_shutdown`), of which one may be in a native call that never returns: then the process is
 * killed after `graceMs`, by default 15 s.
 */
export function exitNow(exitCode: number, graceMs = GRACE_MS): never {
  killIn(graceMs)
  process.exit(exitCode)
}

/**
 * Has another process kill this one after that time, if it has not ended by then: nothing runs in this one
 * any more.
 */
export function killIn(graceMs: number): void {
  const wait = `Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ${graceMs})`
  const killer = `${wait}; try { process.kill(${process.pid}, 'SIGKILL') } catch {}`
  const child = spawn(process.execPath, ['-e', killer], {
    detached: true,
    stdio: 'ignore',
    env: { ...process.env, NODE_OPTIONS: '' },
  })
  // Without that process this one ends all the same, except in the one case of a call that never returns.
  child.on('error', () => undefined)
  child.unref()
}
