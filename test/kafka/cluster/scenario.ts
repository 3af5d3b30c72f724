import type { Recovery } from './recovery.ts'
import { Stage, type Environment } from './stage.ts'

export interface Scenario {
  readonly name: string
  /** The fault, and what is right, in a line. */
  readonly about: string
  /** Fit for CI: short, and of another kind than the others that are. */
  readonly quick?: boolean
  /** Rejects where it does not go as it should. */
  run(stage: Stage): Promise<void>
}

export interface Outcome {
  readonly name: string
  /** What went wrong, with what the applications said; undefined: nothing. */
  readonly trouble: string | undefined
  readonly recoveries: readonly Recovery[]
  readonly seconds: number
}

/** Runs a scenario and leaves the cluster whole. Does not reject for what the scenario finds. */
export async function runScenario(environment: Environment, { name, run }: Scenario): Promise<Outcome> {
  const startMs = performance.now()
  const stage = new Stage(environment, name)
  let trouble: string | undefined
  try {
    await stage.prepare()
    await run(stage)
  } catch (reason) {
    const accounts = stage.applications.map(each => each.account())
    trouble = [textOf(reason), ...accounts, await stage.account()].join('\n')
  }
  await stage.close()
  const seconds = Math.round((performance.now() - startMs) / 1000)
  return { name, trouble, recoveries: stage.recoveries, seconds }
}

function textOf(reason: unknown): string {
  if (!(reason instanceof Error)) return String(reason)
  return reason.cause === undefined ? reason.message : `${reason.message}: ${textOf(reason.cause)}`
}
