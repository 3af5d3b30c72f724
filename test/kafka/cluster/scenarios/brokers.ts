import { NODE_IDS, type NodeId } from '../cluster.ts'
import type { Scenario } from '../scenario.ts'
import type { Stage } from '../stage.ts'
import { until } from '../until.ts'
import { givenUp, groupCoordinator, leaderOfInput, transactionCoordinator } from './roles.ts'

/** Counted from when the cluster has given the broker up. */
const BACK_MS = 15_000
const RESTARTED_MS = 24_000

/** Killed under load; then back on its data, under load, too. */
async function killed(stage: Stage, what: string, nodeOf: () => Promise<NodeId>): Promise<void> {
  await stage.start()
  const node = await nodeOf()
  const kill = () => stage.cluster.act('kill', node)
  await stage.measure(`${what} killed`, kill, { limitMs: BACK_MS, healed: () => givenUp(stage, node) })
  await stage.measure('it is back', () => startAgain(stage, node), { limitMs: BACK_MS })
  await stage.expectExact()
}

async function startAgain(stage: Stage, node: NodeId): Promise<void> {
  await stage.cluster.act('start', node)
  await untilInSync(stage)
}

/** Resolves when no replica of the application's topics lags: the next node may go. */
export async function untilInSync(stage: Stage): Promise<void> {
  const inSync = async () => {
    for (const name of ['in', 'seen', 'groups'] as const)
      if ((await stage.witness.describe(stage.topic(name))).some(each => each.inSync < 3)) return false
    return true
  }
  await until(inSync, { what: 'all replicas in sync', limitMs: 60_000 })
}

export const brokerScenarios: readonly Scenario[] = [
  {
    name: 'leader-killed',
    about:
      'kill -9 of the leader of an input partition, and its return: exact, back within 15 s of the cluster',
    run: stage => killed(stage, 'leader', () => leaderOfInput(stage)),
  },
  {
    name: 'group-coordinator-killed',
    about: "kill -9 of the group's coordinator, and its return: exact, back within 15 s of the cluster",
    run: stage => killed(stage, 'group coordinator', () => groupCoordinator(stage)),
  },
  {
    name: 'transaction-coordinator-killed',
    about: "kill -9 of a transaction's coordinator, and its return: exact, back within 15 s of the cluster",
    quick: true,
    run: stage => killed(stage, 'transaction coordinator', () => transactionCoordinator(stage)),
  },
  {
    name: 'rolling-restart',
    about: 'every node stopped in order and started again, one after the other, under load: exact',
    run: async stage => {
      await stage.start()
      for (const node of NODE_IDS) {
        const restart = async () => {
          await stage.cluster.act('stop', node)
          await startAgain(stage, node)
        }
        await stage.measure(`node ${node} restarted`, restart, { limitMs: RESTARTED_MS })
      }
      await stage.expectExact()
    },
  },
]
