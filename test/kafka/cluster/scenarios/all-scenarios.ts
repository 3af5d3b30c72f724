import type { Scenario } from '../scenario.ts'
import { brokerScenarios } from './brokers.ts'

/** In the order in which they run. */
export const allScenarios: readonly Scenario[] = [...brokerScenarios]
