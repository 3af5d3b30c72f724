import type { Topology } from '../../lib/topology/topology.ts'
import type { Case, Operation } from './case.ts'
import { Unsupported } from './case.ts'
import { applyDslOperation } from './dsl-operations.ts'
import { Program } from './program.ts'
import { applyTopologyOperation, isTopologyOperation } from './topology-operations.ts'

const KNOWN_SETTINGS = new Set([
  'application.id',
  'statestore.cache.max.bytes',
  'default.key.serde',
  'default.value.serde',
  'dsl.store.suppliers.class',
  'deserialization.exception.handler',
  'processing.exception.handler',
  'default.timestamp.extractor',
  'errors.dead.letter.queue.topic.name',
  'max.task.idle.ms',
  'processing.guarantee',
])

/** The topology of a case, built with the public DSL. Throws `Unsupported` for what is not there yet, and whatever the DSL throws. */
export function buildTopology(test: Case): { readonly topology: Topology; readonly trace: unknown[] } {
  checkSettings(test)
  const program = new Program(test)
  for (const operation of test.topology) apply(program, operation)
  return { topology: program.topology(), trace: program.trace }
}

function checkSettings(test: Case): void {
  const config = test.config ?? {}
  for (const name of Object.keys(config)) {
    if (name === 'topology.optimization' && config[name] === 'none') continue
    if (!KNOWN_SETTINGS.has(name)) throw new Unsupported(`setting ${name}`)
  }
}

function apply(program: Program, operation: Operation): void {
  if (isTopologyOperation(operation.op)) applyTopologyOperation(program, operation)
  else applyDslOperation(program, operation)
}
