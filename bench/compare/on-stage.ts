import { readFileSync } from 'node:fs'
import { MissingError } from './missing-error.ts'
import { Stage } from './stage.ts'

const SIGNALS = { SIGINT: 130, SIGTERM: 143 } as const
const WATCH_MS = 500

/**
 * Runs something on a stage, and clears the stage however that ends: by itself, by an error, or by a signal.
 */
export async function onStage(action: (stage: Stage) => Promise<void>): Promise<void> {
  const stage = await Stage.open(line => void process.stderr.write(`  ${line}\n`))
  let exitCode = 0
  const stop = (signal: keyof typeof SIGNALS) => {
    if (exitCode === SIGNALS[signal]) process.exit(exitCode)
    exitCode = SIGNALS[signal]
    process.stderr.write(`  ${signal}: ending what was started; once more to leave at once\n`)
    void stage.close().finally(() => process.exit(exitCode))
  }
  const signals = Object.keys(SIGNALS) as (keyof typeof SIGNALS)[]
  for (const signal of signals) process.on(signal, stop)
  const unwatch = watchParents(() => stop('SIGTERM'))
  try {
    await action(stage)
  } catch (reason) {
    // After a signal everything fails, which is what was asked for.
    if (exitCode === 0) {
      process.stderr.write(`error: ${reason instanceof Error ? reason.message : String(reason)}\n`)
      exitCode = reason instanceof MissingError ? 2 : 1
    }
  }
  unwatch()
  await stage.close()
  for (const signal of signals) process.off(signal, stop)
  process.exitCode = exitCode
}

/**
 * npm passes a SIGTERM on to the shell between it and us, and the shell to nobody: then all there is to see
 * is that a parent has changed.
 */
function watchParents(onChange: () => void): () => void {
  if (process.env['npm_lifecycle_event'] === undefined) return () => undefined
  const before = parents()
  const timer = setInterval(() => {
    if (parents() === before) return
    clearInterval(timer)
    onChange()
  }, WATCH_MS)
  timer.unref()
  return () => clearInterval(timer)
}

/**
 * The parent, and its parent where the system tells (the TypeScript loader runs us in a process of its own).
 */
function parents(): string {
  try {
    const grandparent = /^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${process.ppid}/status`, 'utf8'))?.[1]
    return `${process.ppid} ${grandparent}`
  } catch {
    return String(process.ppid)
  }
}
