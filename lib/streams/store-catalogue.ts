import type { TopicPartitionOffset } from '../broker/broker.ts'
import { StreamsError } from '../common/errors/errors.ts'
import type { IndexedKey } from '../serde/indexed-key.ts'
import { parseTaskId } from '../common/ids.ts'
import { partitionForKey } from '../common/hash/murmur2.ts'
import { byIndexKey } from '../processor/index-partitioner.ts'
import { returnsToSender } from '../processor/stream-partitioner.ts'
import type { RuntimeSettings } from '../runtime/plan/settings.ts'
import type { StreamTask } from '../runtime/task/stream-task.ts'
import type { Supervisor } from '../runtime/thread/supervisor.ts'
import { IndexedKeySerde } from '../serde/indexed-key-serde.ts'
import { resolveSerde } from '../serde/open-serde.ts'
import { WindowedSerde } from '../serde/windowed-serdes.ts'
import { CUSTOM_KIND } from '../store/contract/state-store.ts'
import { serdeOrThrow } from '../store/contract/store-error.ts'
import { inputsOfItself } from '../topology/internal-topics.ts'
import type { StorePlan, SubtopologyPlan, TopologyPlan } from '../topology/plan.ts'
import { storeNotAvailable } from './composite/fan-out.ts'
import { inputStepsOf } from './store-inputs.ts'
import { KeyNotHereError } from './key-not-here-error.ts'
import type { KeyOwner, StoreDescription } from './store-description.ts'

interface Entry {
  readonly plan: StorePlan
  readonly subtopology: SubtopologyPlan
  readonly isGlobal: boolean
  /** Never changes, and is asked for at every request over HTTP. */
  readonly inputs: readonly (readonly string[])[]
}

/** The stores of a topology, and which parts of them this process has. */
export class StoreCatalogue {
  readonly #plan: TopologyPlan
  readonly #settings: RuntimeSettings
  readonly #supervisor: () => Supervisor | undefined
  readonly #entries = new Map<string, Entry>()

  constructor(plan: TopologyPlan, settings: RuntimeSettings, supervisor: () => Supervisor | undefined) {
    this.#plan = plan
    this.#settings = settings
    this.#supervisor = supervisor
    for (const [subtopologies, isGlobal] of [
      [plan.subtopologies, false] as const,
      [plan.globalSubtopologies, true] as const,
    ]) {
      for (const subtopology of subtopologies) {
        const inputs = inputStepsOf(plan, subtopology)
        for (const store of subtopology.stores)
          this.#entries.set(store.builder.name, { plan: store, subtopology, isGlobal, inputs })
      }
    }
  }

  get names(): readonly string[] {
    return [...this.#entries.keys()]
  }

  /** The entry of that name. Throws `UNKNOWN_STORE`. */
  entry(name: string): Entry {
    const entry = this.#entries.get(name)
    if (entry) return entry
    throw new StreamsError(
      'UNKNOWN_STORE',
      `the topology has no store "${name}"; it has: ${this.names.join(', ') || 'none'}`,
    )
  }

  describe(name: string): StoreDescription {
    const entry = this.entry(name)
    const { builder } = entry.plan
    const tasks = this.#tasks(entry)
    const open = tasks[0]?.state.store(name)
    return {
      name,
      kind: builder.kind ?? CUSTOM_KIND,
      isGlobal: entry.isGlobal,
      isTimestamped: builder.timestamped === true,
      keySerde: resolveSerde(builder.keySerde, this.#settings.defaultKeySerde),
      valueSerde: builder.valueSerde ?? this.#settings.defaultValueSerde,
      partitionCount: this.#counts(entry)?.tasks,
      partitions: tasks.map(partitionOf).sort(ascending),
      restoringPartitions: this.#restoring(entry),
      lag: this.#lag(name, entry),
      inputs: entry.inputs,
      positions: this.#positions(name, entry),
      windowSizeMs: open && 'windowSizeMs' in open ? Number(open.windowSizeMs) : undefined,
    }
  }

  /**
   * The part that has a key. Throws `UNKNOWN_STORE`, and `STORE_NOT_AVAILABLE` before the application has
   * joined its group.
   */
  keyOwner(name: string, key: unknown): KeyOwner {
    const entry = this.entry(name)
    if (entry.isGlobal) {
      return { partition: undefined, isLocal: this.#supervisor()?.globalStore(name) !== undefined }
    }
    const counts = this.#counts(entry)
    if (!counts) throw storeNotAvailable(name)
    const local = this.#tasks(entry).map(partitionOf)
    if (!this.#isByKey(entry) || !counts.areAlike) {
      return { partition: undefined, isLocal: local.length === counts.tasks ? true : undefined }
    }
    const partition = partitionForKey(this.#bytes(entry, key), counts.tasks)
    return { partition, isLocal: local.includes(partition) }
  }

  /** Throws if a key that was not found belongs to another task. */
  checkHere(name: string, key: unknown): void {
    const entry = this.entry(name)
    if (entry.isGlobal || !this.#isByKey(entry)) return
    const { partition, isLocal } = this.keyOwner(name, key)
    if (isLocal !== false || partition === undefined) return
    if (this.#restoring(entry).includes(partition)) throw partRestoring(name, partition)
    throw new KeyNotHereError(name, partition, this.#tasks(entry).map(partitionOf).sort(ascending))
  }

  /** Tasks that run here and have the store. */
  #tasks({ subtopology, isGlobal }: Entry): readonly StreamTask[] {
    if (isGlobal) return []
    const tasks = this.#supervisor()?.tasks ?? []
    return tasks.filter(({ id }) => parseTaskId(id).subtopologyId === subtopology.id)
  }

  #restoring({ subtopology, isGlobal }: Entry): readonly number[] {
    if (isGlobal) return []
    return (this.#supervisor()?.thread?.startingTasks ?? [])
      .map(parseTaskId)
      .filter(({ subtopologyId }) => subtopologyId === subtopology.id)
      .map(({ partition }) => partition)
      .sort(ascending)
  }

  #counts({
    subtopology,
    isGlobal,
  }: Entry): { readonly tasks: number; readonly areAlike: boolean } | undefined {
    if (isGlobal) return undefined
    const counts = this.#supervisor()?.thread?.sourceCounts(subtopology.id) ?? []
    if (counts.length === 0) return undefined
    return { tasks: Math.max(...counts), areAlike: new Set(counts).size === 1 }
  }

  #lag(name: string, entry: Entry): number | undefined {
    const supervisor = this.#supervisor()
    if (entry.isGlobal) return supervisor?.global?.lag(name)
    const tasks = this.#tasks(entry)
    if (tasks.length === 0) return undefined
    let sum = 0
    for (const task of tasks) {
      const lag = supervisor?.thread?.shownLag(task)
      if (lag === undefined) return undefined
      sum += lag
    }
    return sum
  }

  #positions(name: string, entry: Entry): readonly TopicPartitionOffset[] {
    if (entry.isGlobal) return this.#supervisor()?.global?.positions(name) ?? []
    return this.#tasks(entry).flatMap(task =>
      task.partitions.map(partition => ({ ...partition, offset: task.shownOffset(partition) ?? 0 })),
    )
  }

  /**
   * Whether the store's keys are those of its task's inputs, and the default partitioner decides about these,
   * as far as the topology tells.
   */
  #isByKey({ plan, subtopology }: Entry): boolean {
    const { builder, changelogIsSource } = plan
    if (!(builder.keyedByRecord ?? changelogIsSource)) return false
    if ((builder.keySerde ?? this.#settings.defaultKeySerde) instanceof WindowedSerde) return false
    return !subtopology.sourceTopics.some(topic => this.#isPartitionedOtherwise(topic))
  }

  /**
   * Whether a sink of this application writes to the topic by a partitioner of its own. A sink that names its
   * topics record by record may write to any but internal ones.
   */
  #isPartitionedOtherwise(topic: string): boolean {
    const isInternal = inputsOfItself(this.#plan).has(topic)
    return this.#plan.subtopologies.some(({ nodes }) =>
      nodes.some(
        node =>
          node.kind === 'sink' &&
          node.partitioner !== undefined &&
          !returnsToSender(node.partitioner) &&
          node.partitioner !== byIndexKey &&
          (typeof node.topic === 'string' ? node.topic === topic : !isInternal),
      ),
    )
  }

  #bytes({ plan }: Entry, key: unknown): Uint8Array {
    const { builder, changelogTopic } = plan
    const serde = serdeOrThrow(builder.name, 'key', builder.keySerde, this.#settings.defaultKeySerde)
    const context = { topic: changelogTopic ?? builder.name }
    if (!(serde instanceof IndexedKeySerde)) return serde.serialize(key, context)
    return serde.indexKeyBytes((key as IndexedKey<unknown, unknown>).indexKey, context)
  }
}

function partitionOf({ id }: StreamTask): number {
  return parseTaskId(id).partition
}

function ascending(left: number, right: number): number {
  return left - right
}

function partRestoring(name: string, partition: number): StreamsError {
  return new StreamsError(
    'STORE_NOT_AVAILABLE',
    `the key belongs to partition ${partition} of store "${name}", which is being restored in this process: ask again`,
  )
}
