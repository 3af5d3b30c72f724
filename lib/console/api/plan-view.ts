import { describedPlan } from '../../topology/describe-json.ts'
import type { NodePlan, TopologyPlan } from '../../topology/plan.ts'

/** The topology as `millrace describe --format json` has it, with the parents of nodes and what they do. */
export function planView(plan: TopologyPlan): object {
  const described = describedPlan(plan)
  const all = [...plan.subtopologies, ...plan.globalSubtopologies]
  return {
    ...described,
    subtopologies: described.subtopologies.map((subtopology, at) => {
      const { nodes } = all[at]!
      const parents = parentsOf(nodes)
      return {
        ...subtopology,
        nodes: subtopology.nodes.map((node, index) => ({
          ...node,
          parents: parents.get(node.name) ?? [],
          ...flagsOf(nodes[index]!),
        })),
      }
    }),
  }
}

function parentsOf(nodes: readonly NodePlan[]): ReadonlyMap<string, readonly string[]> {
  const parents = new Map<string, string[]>()
  for (const node of nodes) {
    if (node.kind === 'sink') continue
    for (const child of node.children) parents.set(child, [...(parents.get(child) ?? []), node.name])
  }
  return parents
}

function flagsOf(node: NodePlan): object {
  if (node.kind !== 'processor') return {}
  return {
    // Operators with retry are asynchronous ones, and have topics of their own for their letters.
    ...(node.ownTopics || node.control ? { async: true, retry: true } : {}),
    ...(node.schedule ? { schedule: true } : {}),
  }
}
