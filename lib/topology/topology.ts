import { TopologyError } from '../common/errors/errors.ts'
import type { ProcessorSupplier } from '../processor/processor.ts'
import type { StreamPartitioner, TopicNameExtractor } from '../processor/stream-partitioner.ts'
import type { StoreBuilder } from '../store/contract/state-store.ts'
import { describeTopology } from './describe-topology.ts'
import type { ProcessorDefinition, SourceDefinition } from './node-definition.ts'
import type { OffsetReset, TopologyPlan } from './plan.ts'
import { planTopology, type PlanOptions } from './plan-topology.ts'
import { checkSupplier } from './check-supplier.ts'
import { TopologyDefinition } from './topology-definition.ts'
import type {
  ProcessorFactory,
  ProcessorOptions,
  SinkOptions,
  SourceOptions,
  TopicStoreOptions,
  TopologyOptions,
} from './topology-options.ts'
import { supplierFrom } from './topology-options.ts'

/**
 * A processing graph: sources read topics, processors transform records and keep state in stores, sinks write
 * topics. A node is known by its name; parents are added before their children. Wrong additions throw a
 * `TopologyError` at once.
 *
 * `StreamsBuilder.build()` returns one as well, to which nodes may be added.
 */
export class Topology {
  readonly #definition: TopologyDefinition

  /** An empty topology; the DSL hands in what it has compiled. */
  constructor(given: TopologyDefinition | TopologyOptions = {}) {
    this.#definition =
      given instanceof TopologyDefinition ? given : new TopologyDefinition(given.processorWrapper)
  }

  addSource<K, V>(name: string, options: SourceOptions<K, V>): this {
    this.#definition.addSource(sourceDefinition(name, options.topics ?? [], options))
    return this
  }

  /**
   * The factory must make a new processor at every call. Stores that it names itself (`stores`) are added and
   * connected (KIP-401).
   */
  addProcessor<KIn, VIn, KOut, VOut>(
    name: string,
    factory: ProcessorFactory<KIn, VIn, KOut, VOut>,
    options: ProcessorOptions,
  ): this {
    const supplier = supplierFrom(factory)
    checkSupplier(name, supplier)
    const added = this.#definition.addProcessor(processorDefinition(name, options.parents, supplier))
    for (const builder of added.stores ?? []) this.addStateStore(builder, name)
    for (const store of options.stores ?? []) this.#definition.connect(name, store)
    return this
  }

  addSink<K, V>(name: string, options: SinkOptions<K, V>): this {
    this.#definition.addSink({
      kind: 'sink',
      name,
      parents: options.parents,
      topic: options.topic as string | TopicNameExtractor,
      keySerde: options.keySerde,
      valueSerde: options.valueSerde,
      partitioner: options.partitioner as StreamPartitioner | undefined,
    })
    return this
  }

  /** Adds a store for each task and connects it to the named processors. */
  addStateStore(builder: StoreBuilder, ...processorNames: string[]): this {
    this.#definition.addStore(builder)
    for (const processor of processorNames) this.#definition.connect(processor, builder.name)
    return this
  }

  /** Processors that share a store are in one sub-topology from then on. */
  connectProcessorAndStateStores(processorName: string, ...storeNames: string[]): this {
    if (storeNames.length === 0) {
      throw new TopologyError('NO_STORE_NAMED', `name at least one store to connect to "${processorName}".`)
    }
    for (const store of storeNames) this.#definition.connect(processorName, store)
    return this
  }

  /**
   * A store that every instance fills from all partitions of a topic, before it starts and from then on.
   * Every processor may read it. It has no changelog: the topic is one.
   */
  addGlobalStore<K, V>(
    builder: StoreBuilder,
    factory: ProcessorFactory<K, V>,
    options: TopicStoreOptions<K, V>,
  ): this {
    const supplier = supplierFrom(factory)
    checkSupplier(options.processorName, supplier)
    this.#definition.addGlobalStore(
      builder,
      sourceDefinition(options.sourceName, [options.topic], options),
      processorDefinition(options.processorName, [options.sourceName], supplier),
    )
    return this
  }

  /**
   * A store that is filled from a topic, which also serves as its changelog (KIP-813): the processor must put
   * records as they are.
   */
  addReadOnlyStateStore<K, V>(
    builder: StoreBuilder,
    factory: ProcessorFactory<K, V>,
    options: TopicStoreOptions<K, V> & { readonly offsetReset?: OffsetReset },
  ): this {
    this.#definition.addSource(sourceDefinition(options.sourceName, [options.topic], options))
    this.addProcessor(options.processorName, factory, { parents: [options.sourceName] })
    this.addStateStore(builder, options.processorName)
    this.#definition.readStoreFromTopic(builder.name, options.topic)
    return this
  }

  /** The graph as text, in Kafka Streams' format. */
  describe(): string {
    return describeTopology(this.#definition)
  }

  /** The call that added a node, as an error whose stack shows it; for messages about the node. */
  addedAt(nodeName: string): Error | undefined {
    return this.#definition.sites.get(nodeName)
  }

  /** The frozen graph for the runtime, with the real names of internal topics. */
  plan(applicationId: string, options: PlanOptions = {}): TopologyPlan {
    return planTopology(this.#definition, applicationId, options)
  }
}

function sourceDefinition(
  name: string,
  topics: readonly string[],
  options: Omit<SourceOptions, 'topics'>,
): SourceDefinition {
  const { pattern, keySerde, valueSerde, timestampExtractor, offsetReset } = options
  const how = { keySerde, valueSerde, timestampExtractor, offsetReset }
  return { kind: 'source', name, topics: [...topics], pattern, ...how }
}

function processorDefinition(
  name: string,
  parents: readonly string[],
  supplier: ProcessorSupplier,
): ProcessorDefinition {
  return { kind: 'processor', name, parents: [...parents], supplier, stores: new Set() }
}
