import type { Scenario } from '../scenario.ts'
import { brokerScenarios } from './brokers.ts'
import { connectionScenarios } from './connections.ts'
import { outageScenarios } from './outages.ts'
import { retentionScenarios } from './retention.ts'
import { securityScenarios } from './security.ts'
import { topicScenarios } from './topics.ts'

/** In the order in which they run. */
export const allScenarios: readonly Scenario[] = [
  ...brokerScenarios,
  ...outageScenarios,
  ...connectionScenarios,
  ...topicScenarios,
  ...retentionScenarios,
  ...securityScenarios,
]
