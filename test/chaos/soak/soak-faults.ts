import { connectionFaults } from './connection-faults.ts'
import type { SoakFault } from './fault.ts'
import { nodeFaults } from './node-faults.ts'
import { processFaults } from './process-faults.ts'
import { recordFaults } from './record-faults.ts'
import { stateFaults } from './state-faults.ts'

export const soakFaults: readonly SoakFault[] = [
  ...processFaults,
  ...stateFaults,
  ...nodeFaults,
  ...connectionFaults,
  ...recordFaults,
]
