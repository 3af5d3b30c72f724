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

/** Resolves when the cluster has given a silent node up: everything that it led is led by another. */
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
}
