import { spawn } from 'node:child_process'

const GRACE_MS = 2_000

/**
 * Ends the process with this code. `process.exit` waits for the threads of libuv's pool (`uv_library_shutdown`), of which one may be in a native call that
 * never returns: then the process is killed after 2 s.
 */
export function exitNow(exitCode: number): never {
  killSoon()
  process.exit(exitCode)
}

/** Has this process killed in 2 s, where it has not ended by then: by another, since nothing runs in this one any more. */
export function killSoon(): void {
  const wait = `Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ${GRACE_MS})`
  const killer = `${wait}; try { process.kill(${process.pid}, 'SIGKILL') } catch {}`
  const child = spawn(process.execPath, ['-e', killer], {
    detached: true,
    stdio: 'ignore',
    env: { ...process.env, NODE_OPTIONS: '' },
  })
  // Without it the process ends all the same, unless it is that one case.
  child.on('error', () => undefined)
  child.unref()
}
