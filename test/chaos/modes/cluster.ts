import { LocalCluster } from '../../kafka/cluster/local-cluster.ts'
import { Proxy } from '../../kafka/cluster/proxy.ts'
import { recoveryText } from '../../kafka/cluster/recovery.ts'
import { runScenario, type Outcome, type Scenario } from '../../kafka/cluster/scenario.ts'
import { allScenarios } from '../../kafka/cluster/scenarios/all-scenarios.ts'
import type { Environment } from '../../kafka/cluster/stage.ts'
import { Witness } from '../../kafka/cluster/witness.ts'
import type { ChaosMode, ChaosOptions } from '../mode.ts'

/** Faults of a cluster of three, one scenario after the other. */
export const mode: ChaosMode = {
  list: () => allScenarios.map(({ name, about }) => ({ name, about })),
  run,
}

async function run({ only, say }: ChaosOptions): Promise<boolean> {
  const chosen = allScenarios.filter(({ name }) => only.length === 0 || only.includes(name))
  const cluster = await LocalCluster.start(say)
  // The JVMs would end by themselves; their data would stay.
  const interrupted = () => void cluster.stop().finally(() => process.exit(130))
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, interrupted)
  try {
    const outcomes = await runOn(cluster, chosen, say)
    say(`\n${table(outcomes)}`)
    return outcomes.every(({ trouble }) => trouble === undefined)
  } finally {
    await cluster.stop()
  }
}

async function runOn(
  cluster: LocalCluster,
  scenarios: readonly Scenario[],
  say: ChaosOptions['say'],
): Promise<Outcome[]> {
  const proxy = await Proxy.open(cluster.addresses)
  const witness = await Witness.start(cluster.addresses.brokers)
  try {
    return await runAll({ cluster, witness, proxy, say, patience: 1 }, scenarios)
  } finally {
    await witness.end()
    await proxy.close()
  }
}

async function runAll(environment: Environment, scenarios: readonly Scenario[]): Promise<Outcome[]> {
  const outcomes: Outcome[] = []
  for (const scenario of scenarios) {
    environment.say(`\n${scenario.name} (${outcomes.length + 1} of ${scenarios.length}): ${scenario.about}`)
    const outcome = await runScenario(environment, scenario)
    const { trouble, seconds } = outcome
    environment.say(`${trouble === undefined ? 'as it should be' : `FAILED: ${trouble}`}\nafter ${seconds} s`)
    outcomes.push(outcome)
  }
  return outcomes
}

function table(outcomes: readonly Outcome[]): string {
  const width = Math.max(...outcomes.map(({ name }) => name.length))
  return outcomes
    .map(({ name, trouble, recoveries, seconds }) => {
      const verdict = trouble === undefined ? 'ok    ' : 'FAILED'
      const lines = recoveries.map(each => `\n${' '.repeat(width + 2)}${recoveryText(each)}`)
      return `${name.padEnd(width)}  ${verdict}  ${seconds} s${lines.join('')}`
    })
    .join('\n')
}
