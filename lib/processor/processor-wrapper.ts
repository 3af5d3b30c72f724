import type { ProcessorSupplier } from './processor.ts'

/**
 * Gets hold of every processor of a topology, those of the DSL's operators and of global stores included
 * (KIP-1112): to measure, trace or guard them in one place. Called once for each node while the topology is
 * built; what it returns takes the supplier's place. Its `stores` are added and connected, so hand the
 * supplier's own on, and make a new processor at every `get`.
 */
export interface ProcessorWrapper {
  wrapSupplier(processorName: string, supplier: ProcessorSupplier): ProcessorSupplier
}
