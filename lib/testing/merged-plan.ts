import type { SubtopologyPlan } from '../topology/plan.ts'

/** All sub-topologies as one, as Kafka Streams' driver runs them. */
export function mergedPlan(plans: readonly SubtopologyPlan[]): SubtopologyPlan {
  return {
    id: 0,
    nodes: plans.flatMap(plan => plan.nodes),
    stores: plans.flatMap(plan => plan.stores),
    sourceTopics: plans.flatMap(plan => plan.sourceTopics),
    sinkTopics: plans.flatMap(plan => plan.sinkTopics),
  }
}
