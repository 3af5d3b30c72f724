import type { OffsetReset } from '../../lib/topology/plan.ts'
import type { Topology } from '../../lib/topology/topology.ts'
import type { Operation } from './case.ts'
import { text, texts } from './case.ts'
import { partitioner, topicFunction } from './functions.ts'
import type { Program, StoreDescription } from './program.ts'
import { serdesOf } from './program.ts'
import { timestampExtractor } from './timestamp-extractors.ts'

type Apply = (topology: Topology, operation: Operation, program: Program) => void

export function isTopologyOperation(op: string): boolean {
  return op in OPERATIONS
}

export function applyTopologyOperation(program: Program, operation: Operation): void {
  OPERATIONS[operation.op]?.(program.topology(), operation, program)
}

const OPERATIONS: { readonly [op: string]: Apply } = {
  addSource: (topology, operation) => {
    const extractor = text(operation, 'timestampExtractor')
    const offsetReset = text(operation, 'offsetReset') as OffsetReset | undefined
    topology.addSource(nameOf(operation), {
      ...('pattern' in operation
        ? { pattern: new RegExp(text(operation, 'pattern') ?? '') }
        : { topics: texts(operation, 'topics') }),
      ...serdesOf(operation),
      ...(extractor !== undefined && { timestampExtractor: timestampExtractor(extractor) }),
      ...(offsetReset !== undefined && { offsetReset }),
    })
  },
  addProcessor: (topology, operation, program) =>
    topology.addProcessor(nameOf(operation), program.processor(operation), {
      parents: texts(operation, 'parents'),
      stores: texts(operation, 'stores'),
    }),
  addSink: (topology, operation) => {
    const topicFrom = text(operation, 'topicFrom')
    const partition = text(operation, 'partitioner')
    topology.addSink(nameOf(operation), {
      topic: topicFrom === undefined ? (text(operation, 'topic') ?? '') : topicFunction(topicFrom),
      parents: texts(operation, 'parents'),
      ...serdesOf(operation),
      ...(partition !== undefined && { partitioner: partitioner(partition) }),
    })
  },
  addStore: (topology, operation, program) =>
    topology.addStateStore(
      program.storeBuilder(operation['store'] as StoreDescription),
      ...texts(operation, 'processors'),
    ),
  connect: (topology, operation) =>
    topology.connectProcessorAndStateStores(
      text(operation, 'processorName') ?? '',
      ...texts(operation, 'stores'),
    ),
  addGlobalStore: (topology, operation, program) => {
    const builder = program.storeBuilder(operation['store'] as StoreDescription)
    topology.addGlobalStore(builder, program.fillingProcessor(operation), topicStore(operation))
  },
  addReadOnlyStore: (topology, operation, program) => {
    const builder = program.storeBuilder(operation['store'] as StoreDescription)
    topology.addReadOnlyStateStore(builder, program.fillingProcessor(operation), topicStore(operation))
  },
}

function nameOf(operation: Operation): string {
  return text(operation, 'name') ?? ''
}

function topicStore(operation: Operation) {
  return {
    sourceName: nameOf(operation),
    topic: text(operation, 'topic') ?? '',
    processorName: text(operation, 'processorName') ?? '',
    ...serdesOf(operation),
  }
}
