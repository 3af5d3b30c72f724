import { leadingTopicsOf } from '../topology/internal-topics.ts'
import type { SubtopologyPlan, TopologyPlan } from '../topology/plan.ts'

/**
 * Topics that lead to the stores of a sub-topology, step by step, outermost first: behind the first, each
 * step's topics are written by sub-topologies that read those of the step before. Topics that sinks choose
 * record by record are not seen.
 */
export function inputStepsOf(
  plan: TopologyPlan,
  subtopology: SubtopologyPlan,
): readonly (readonly string[])[] {
  const steps: (readonly string[])[] = []
  const seen = new Set<string>()
  for (let topics = leadingTopicsOf(subtopology); topics.length > 0;) {
    steps.unshift(topics)
    for (const topic of topics) seen.add(topic)
    const writers = plan.subtopologies.filter(({ sinkTopics }) =>
      sinkTopics.some(topic => topics.includes(topic)),
    )
    topics = [...new Set(writers.flatMap(leadingTopicsOf))].filter(topic => !seen.has(topic))
  }
  return steps
}
