import { TopologyError } from '../../common/errors/errors.ts'
import { parentsOf, type NodeDefinition } from '../../topology/node-definition.ts'
import type { TopologyDefinition } from '../../topology/topology-definition.ts'

/**
 * Throws where a firing of which there is one in the application would look into a store that each task has a
 * part of: it would see the part of its own task alone.
 */
export function checkSchedules(topology: TopologyDefinition): void {
  const { nodes } = topology
  const single = [...nodes.values()].filter(isPerApplication)
  if (single.length === 0) return
  const sourcesOf = sourceFinder(topology)
  const own = new Set(single.flatMap(({ name }) => [...sourcesOf(name)]))
  for (const [storeName, { processors }] of topology.stores) {
    const sources = new Set([...processors].flatMap(name => [...sourcesOf(name)]))
    const other = [...sources].find(name => !own.has(name))
    const schedule = single.find(({ name }) => [...sourcesOf(name)].some(source => sources.has(source)))
    const user = [...processors].find(name => schedule && sourcesOf(name).has(`${schedule.name}-source`))
    if (other !== undefined && schedule && user !== undefined)
      throw seesOnePart(schedule.name, { user, storeName, other })
  }
}

function isPerApplication(node: NodeDefinition): boolean {
  return node.kind === 'processor' && node.schedule?.code?.per === 'application'
}

/** For each node the sources that its records come from, without those before a topic in between. */
function sourceFinder({ nodes }: TopologyDefinition): (name: string) => ReadonlySet<string> {
  const known = new Map<string, ReadonlySet<string>>()
  const find = (name: string): ReadonlySet<string> => {
    const node = nodes.get(name)
    const parents = node ? parentsOf(node) : []
    const found =
      known.get(name) ?? new Set(parents.length === 0 ? [name] : parents.flatMap(each => [...find(each)]))
    known.set(name, found)
    return found
  }
  return find
}

function seesOnePart(
  schedule: string,
  { user, storeName, other }: { readonly user: string; readonly storeName: string; readonly other: string },
): TopologyError {
  return new TopologyError(
    'SCHEDULE_SEES_ONE_PARTITION',
    `schedule "${schedule}" fires in one task, and "${user}" below it uses the store "${storeName}", which records of "${other}" reach too: it ` +
      `would see the store's first partition alone. Give the schedule per: 'partition', and it fires in every task`,
  )
}
