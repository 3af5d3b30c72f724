import type { NodeId } from '../cluster.ts'
import type { Stage } from '../stage.ts'
import { until } from '../until.ts'

const GIVEN_UP_MS_MAX = 60_000
const LED = ['__consumer_offsets', '__transaction_state']

export async function leaderOfInput(stage: Stage): Promise<NodeId> {
  const [first] = await stage.witness.describe(stage.topic('in'))
  return first!.leader as NodeId
}

export function groupCoordinator(stage: Stage): Promise<NodeId> {
  return stage.witness.groupCoordinator(stage.applicationId)
}

/** Of one process's producer. */
export async function transactionCoordinator(stage: Stage): Promise<NodeId> {
  const ids = Object.keys(await stage.witness.transactions())
  return stage.witness.transactionCoordinator(ids.find(each => each.startsWith(stage.applicationId))!)
}

/**
 * Resolves when the cluster has given a silent node up: everything that it led is led by another, and no
 * transaction is left that was decided and is not finished. Of such a one the markers may have been on their
 * way to the node: its coordinator waits for them as long as brokers wait for each other (30 s by default),
 * its outputs show nothing meanwhile, and nobody can begin another under its name.
 */
export async function givenUp(stage: Stage, node: NodeId): Promise<void> {
  const topics = [
    ...LED,
    stage.topic('in'),
    stage.topic('seen'),
    stage.topic('groups'),
    stage.internal('groups-repartition'),
  ]
  const isLedElsewhere = async () => {
    for (const topic of topics)
      if ((await stage.witness.describe(topic)).some(({ leader }) => leader === node || leader === -1))
        return false
    return true
  }
  await until(isLedElsewhere, { what: `leaders in the place of node ${node}`, limitMs: GIVEN_UP_MS_MAX })
  await noneStuck(stage)
}

/** One that is decided is finished within milliseconds: none is seen twice. */
async function noneStuck(stage: Stage): Promise<void> {
  let before: readonly string[] | undefined
  const areFinished = async () => {
    const seen = await decided(stage)
    const areSo = before !== undefined && !seen.some(each => before!.includes(each))
    before = seen
    return areSo
  }
  await until(areFinished, { what: 'the end of transactions that were decided', limitMs: GIVEN_UP_MS_MAX })
}

async function decided(stage: Stage): Promise<string[]> {
  const states = Object.entries(await stage.witness.transactions())
  return states.filter(([, state]) => state.startsWith('Prepare')).map(([id]) => id)
}
