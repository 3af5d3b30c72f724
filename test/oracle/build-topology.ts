import type { Topology } from '../../lib/topology/topology.ts'
import type { Case, Operation } from './case.ts'
import { applyDslOperation } from './dsl-operations.ts'
import { Program } from './program.ts'
import { settingsOf } from './settings.ts'
import { applyTopologyOperation, isTopologyOperation } from './topology-operations.ts'

/**
 * The topology of a case, built with the public DSL. Throws `Unsupported` for what is not there yet, and
 * whatever the DSL throws.
 */
export function buildTopology(test: Case): { readonly topology: Topology; readonly trace: unknown[] } {
  settingsOf(test)
  const program = new Program(test)
  for (const operation of test.topology) apply(program, operation)
  return { topology: program.topology(), trace: program.trace }
}

function apply(program: Program, operation: Operation): void {
  if (isTopologyOperation(operation.op)) applyTopologyOperation(program, operation)
  else applyDslOperation(program, operation)
}
