import type { Processor } from '../../processor/processor.ts'
import type { ProcessorContext } from '../../processor/processor-context.ts'
import type { Record } from '../../processor/record.ts'
import { serdes } from '../../serde/serdes.ts'
import {
  CONTROL_AUDIT_TOPIC,
  CONTROL_STORE,
  CONTROL_TOPIC,
  controlStoreBuilder,
  type ControlStore,
} from '../../store/operator/control-store.ts'
import type { TopologyDefinition } from '../../topology/topology-definition.ts'

const SOURCE = 'millrace-control-source'
const AUDIT_KEPT_MS = 90 * 24 * 3_600_000

/** Fills the store of commands from its topic. */
class TakeCommands implements Processor<Uint8Array | null, Uint8Array | null> {
  #store!: ControlStore

  init(context: ProcessorContext): void {
    this.#store = context.getStateStore<ControlStore>(CONTROL_STORE)
  }

  process({ key, value }: Record<Uint8Array | null, Uint8Array | null>): void {
    this.#store.apply(key, value)
  }
}

/**
 * Has every process read the application's commands. A global store and not a source of the operators: as
 * that, commands would wait behind a backlog, and a task that is full for what is parked would read none that
 * empty it. Behind every other node: no number of a sub-topology is another for it.
 */
export function addControl(topology: TopologyDefinition): void {
  topology.addGlobalStore(
    controlStoreBuilder(),
    {
      kind: 'source',
      name: SOURCE,
      topics: [CONTROL_TOPIC],
      pattern: undefined,
      keySerde: serdes.bytes(),
      valueSerde: serdes.bytes(),
      // A time that somebody's client has set wrongly is no reason to end.
      timestampExtractor: ({ timestamp }) => Math.max(0, timestamp),
      offsetReset: 'earliest',
      own: { partitionCount: 1, config: { 'cleanup.policy': 'compact' }, isKept: true },
    },
    {
      kind: 'processor',
      name: CONTROL_STORE,
      parents: [SOURCE],
      supplier: { get: () => new TakeCommands() },
      stores: new Set(),
      ownTopics: [
        {
          name: CONTROL_AUDIT_TOPIC,
          config: { 'cleanup.policy': 'delete', 'retention.ms': String(AUDIT_KEPT_MS) },
        },
      ],
    },
  )
}
