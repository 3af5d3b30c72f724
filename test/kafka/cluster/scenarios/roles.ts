import type { NodeId } from '../cluster.ts'
import type { Stage } from '../stage.ts'

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
