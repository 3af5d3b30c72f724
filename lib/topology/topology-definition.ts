import { callSite } from '../common/errors/call-site.ts'
import { TopologyError } from '../common/errors/errors.ts'
import type { ProcessorSupplier } from '../processor/processor.ts'
import type { ProcessorWrapper } from '../processor/processor-wrapper.ts'
import type { StoreBuilder } from '../store/contract/state-store.ts'
import { checkSupplier } from './check-supplier.ts'
import { DisjointSets } from './disjoint-sets.ts'
import { matchesTopic } from './topic-pattern.ts'
import type {
  NodeDefinition,
  ProcessorDefinition,
  RepartitionTopicDefinition,
  SinkDefinition,
  SourceDefinition,
  StoreDefinition,
} from './node-definition.ts'

/**
 * A topology while it is being built: checks every addition at once, so that the error points at the line
 * that made it. `Topology` is the face of it for users, the DSL writes into it directly. Insertion order is
 * part of the result: nodes run, and sub-topologies are numbered, in the order in which they came.
 */
export class TopologyDefinition {
  readonly nodes = new Map<string, NodeDefinition>()
  readonly stores = new Map<string, StoreDefinition>()
  /** By store name: the builder and the source that fills it. */
  readonly globalStores = new Map<
    string,
    { readonly builder: StoreBuilder; readonly source: SourceDefinition }
  >()
  /**
   * Stores that are restored from a source topic instead of a changelog of their own: store name to topic.
   */
  readonly sourceTopicOfStore = new Map<string, string>()
  readonly repartitionTopics = new Map<string, RepartitionTopicDefinition>()
  /** Groups of source node names. */
  readonly coPartitioned: ReadonlySet<string>[] = []
  readonly groups = new DisjointSets()
  /** By node name: the call that added it. */
  readonly sites = new Map<string, Error>()
  /** The call for the nodes that are added now, where they are added long after the user's call. */
  site: Error | undefined
  readonly #sourceOfTopic = new Map<string, string>()
  readonly #processorWrapper: ProcessorWrapper | undefined

  constructor(processorWrapper?: ProcessorWrapper) {
    this.#processorWrapper = processorWrapper
  }

  addSource(source: SourceDefinition): void {
    if (source.topics.length === 0 && source.pattern === undefined) {
      throw new TopologyError(
        'SOURCE_WITHOUT_TOPICS',
        `source "${source.name}" reads no topic: name at least one, or give a pattern.`,
      )
    }
    this.#checkNodeName(source.name)
    // A topic of the application's own is another than a topic of the user's that is called so.
    if (!source.own) {
      for (const topic of source.topics) this.#checkTopic(topic, source.name)
      this.#checkPattern(source)
      for (const topic of source.topics) this.#sourceOfTopic.set(topic, source.name)
    }
    this.#addNode(source)
  }

  /**
   * Returns the supplier that the node got: the given one, or what the wrapper has made of it. Its `stores`
   * are for the caller to add.
   */
  addProcessor(processor: ProcessorDefinition): ProcessorSupplier {
    this.#checkNodeName(processor.name)
    this.#checkParents(processor.name, processor.parents)
    const supplier = this.#wrapped(processor)
    this.#addNode({ ...processor, supplier })
    return supplier
  }

  addSink(sink: SinkDefinition): void {
    this.#checkNodeName(sink.name)
    this.#checkParents(sink.name, sink.parents)
    this.#addNode(sink)
  }

  /** Adding the same builder again is allowed: suppliers that share a store all name it. */
  addStore(builder: StoreBuilder): void {
    const known = this.stores.get(builder.name)
    if (known?.builder === builder) return
    if (known || this.globalStores.has(builder.name)) {
      throw new TopologyError(
        'STORE_EXISTS',
        `another store is named "${builder.name}" already: give one of the two another name.`,
      )
    }
    this.stores.set(builder.name, { builder, processors: new Set() })
  }

  connect(processorName: string, storeName: string): void {
    const store = this.#connectableStore(storeName, processorName)
    const node = this.nodes.get(processorName)
    if (!node) {
      throw new TopologyError(
        'UNKNOWN_PROCESSOR',
        `store "${storeName}" cannot be connected to "${processorName}": no such node. Add the processor first.`,
      )
    }
    if (node.kind !== 'processor') {
      throw new TopologyError(
        'STORE_NEEDS_PROCESSOR',
        `store "${storeName}" cannot be connected to the ${node.kind} "${processorName}": only processors use stores.`,
      )
    }
    for (const user of store.processors) this.groups.unite(user, processorName)
    store.processors.add(processorName)
    node.stores.add(storeName)
  }

  addGlobalStore(builder: StoreBuilder, source: SourceDefinition, processor: ProcessorDefinition): void {
    if (source.topics.length !== 1) {
      throw new TopologyError(
        'SOURCE_WITHOUT_TOPICS',
        `global store "${builder.name}" needs exactly one topic.`,
      )
    }
    if (this.stores.has(builder.name) || this.globalStores.has(builder.name)) {
      throw new TopologyError(
        'STORE_EXISTS',
        `another store is named "${builder.name}" already: give one of the two another name.`,
      )
    }
    this.#checkNodeName(processor.name)
    this.addSource(source)
    this.addProcessor(processor)
    // The set is shared with the node that was made of the definition.
    processor.stores.add(builder.name)
    this.globalStores.set(builder.name, { builder, source })
  }

  /**
   * The store is rebuilt from that source topic, which therefore serves as its changelog (KIP-295, KIP-813).
   */
  readStoreFromTopic(storeName: string, topic: string): void {
    this.sourceTopicOfStore.set(storeName, topic)
  }

  addRepartitionTopic(topic: string, definition: RepartitionTopicDefinition): void {
    this.repartitionTopics.set(topic, definition)
  }

  coPartition(sourceNames: Iterable<string>): void {
    this.coPartitioned.push(new Set(sourceNames))
  }

  sources(names: Iterable<string>): SourceDefinition[] {
    return [...names].flatMap(name => {
      const node = this.nodes.get(name)
      return node?.kind === 'source' ? [node] : []
    })
  }

  #connectableStore(storeName: string, processorName: string): StoreDefinition {
    if (this.globalStores.has(storeName)) {
      throw new TopologyError(
        'GLOBAL_STORE_CONNECTED',
        `"${storeName}" is a global store: every processor may use it, so do not connect it to "${processorName}".`,
      )
    }
    const store = this.stores.get(storeName)
    if (store) return store
    throw new TopologyError(
      'UNKNOWN_STORE',
      `processor "${processorName}" uses the store "${storeName}", which the topology does not have: add it with addStateStore first.`,
    )
  }

  #wrapped({ name, supplier }: ProcessorDefinition): ProcessorSupplier {
    if (!this.#processorWrapper) return supplier
    const wrapped = this.#processorWrapper.wrapSupplier(name, supplier)
    checkSupplier(name, wrapped)
    return wrapped
  }

  #addNode(node: NodeDefinition): void {
    this.nodes.set(node.name, node)
    this.sites.set(node.name, this.site ?? callSite())
    this.groups.add(node.name)
    if (node.kind === 'source') return
    for (const parent of node.parents) this.groups.unite(node.name, parent)
  }

  #checkNodeName(name: string): void {
    if (this.nodes.has(name)) {
      throw new TopologyError(
        'NODE_EXISTS',
        `a node is named "${name}" already: give one of the two another name.`,
      )
    }
  }

  #checkParents(name: string, parents: readonly string[]): void {
    if (parents.length === 0) {
      throw new TopologyError('NO_PARENT', `node "${name}" has no parent: name at least one.`)
    }
    for (const parent of parents) {
      if (parent === name) {
        throw new TopologyError('OWN_PARENT', `node "${name}" cannot be its own parent.`)
      }
      const node = this.nodes.get(parent)
      if (!node) {
        throw new TopologyError(
          'UNKNOWN_PARENT',
          `node "${name}" names the parent "${parent}", which the topology does not have: add the parent first.`,
        )
      }
      if (node.kind === 'sink') {
        throw new TopologyError(
          'SINK_AS_PARENT',
          `node "${name}" names the sink "${parent}" as parent: a sink hands nothing on. Read its topic with a source instead.`,
        )
      }
    }
  }

  /** Topics of which only the name is known at run time belong to one source as well. */
  #checkPattern({ name, pattern }: SourceDefinition): void {
    if (!pattern) return
    for (const [topic, owner] of this.#sourceOfTopic) {
      if (!this.repartitionTopics.has(topic) && matchesTopic(pattern, topic)) {
        throw readTwice(topic, owner, name)
      }
    }
  }

  #ownerOf(topic: string): string | undefined {
    const owner = this.#sourceOfTopic.get(topic)
    if (owner !== undefined || this.repartitionTopics.has(topic)) return owner
    for (const node of this.nodes.values()) {
      if (node.kind === 'source' && node.pattern && matchesTopic(node.pattern, topic)) return node.name
    }
    return undefined
  }

  #checkTopic(topic: string, sourceName: string): void {
    const owner = this.#ownerOf(topic)
    if (owner !== undefined) throw readTwice(topic, owner, sourceName)
  }
}

function readTwice(topic: string, owner: string, sourceName: string): TopologyError {
  return new TopologyError(
    'TOPIC_READ_TWICE',
    `topic "${topic}" is read by source "${owner}" already, and cannot be read by "${sourceName}" too: use the first source for both.`,
  )
}
