import { MissingError } from './missing-error.ts'
import { Stage } from './stage.ts'

const SIGNALS = { SIGINT: 130, SIGTERM: 143 } as const

/** Runs something on a stage, and clears the stage however that ends: by itself, by an error, or by a signal. */
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
  try {
    await action(stage)
  } catch (reason) {
    // After a signal everything fails, which is what was asked for.
    if (exitCode === 0) {
      process.stderr.write(`error: ${reason instanceof Error ? reason.message : String(reason)}\n`)
      exitCode = reason instanceof MissingError ? 2 : 1
    }
  }
  await stage.close()
  for (const signal of signals) process.off(signal, stop)
  process.exitCode = exitCode
}
