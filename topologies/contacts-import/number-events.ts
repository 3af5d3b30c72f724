import {
  serdes,
  stores,
  type KeyValueStore,
  type Processor,
  type ProcessorContext,
  type ProcessorSupplier,
  type Record,
} from 'millrace'
import type { ImportEvent, PushEvent } from './records.ts'

const sequenceStore = stores.keyValueStore<string, number>({
  name: 'channel-sequence',
  keySerde: serdes.string(),
  valueSerde: serdes.int64(),
  ranges: false,
})

/**
 * Keyed by channel. Numbers a channel's events 1, 2, 3 …, exactly once: a browser that saw `n` asks for what
 * is behind it.
 */
class NumberEvents implements Processor<string, ImportEvent, string, PushEvent> {
  #context: ProcessorContext<string, PushEvent> | undefined
  #sequence: KeyValueStore<string, number> | undefined

  init(context: ProcessorContext<string, PushEvent>): void {
    this.#context = context
    this.#sequence = context.getStateStore(sequenceStore.name)
  }

  process(record: Record<string, ImportEvent>): void {
    const seq = (this.#sequence!.get(record.key) ?? 0) + 1
    this.#sequence!.put(record.key, seq)
    this.#context!.forward(record.withValue({ seq, ...record.value }))
  }
}

export function numberEvents(): ProcessorSupplier<string, ImportEvent, string, PushEvent> {
  return { get: () => new NumberEvents(), stores: [sequenceStore] }
}
