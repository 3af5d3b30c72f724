import type { ProcessorContext } from '../../../processor/processor-context.ts'
import type { Processor } from '../../../processor/processor.ts'
import type { Record } from '../../../processor/record.ts'
import type { Change } from '../../kit/change.ts'
import type { NamedOptions } from '../../options/options.ts'
import type { StreamHandle, TableHandle } from '../../kit/handles.ts'
import { processorRole } from '../../kit/add-node.ts'

/** Forwards new values alone: a stream has no old values. */
class NewValues<K, V> implements Processor<K, Change<V>, K, V | null> {
  #context!: ProcessorContext<K, V | null>

  init(context: ProcessorContext<K, V | null>): void {
    this.#context = context
  }

  process(record: Record<K, Change<V>>): void {
    this.#context.forward(record.withValue(record.value.newValue))
  }
}

export function toStream(table: TableHandle, options: NamedOptions = {}): StreamHandle {
  const { graph, keySerde, valueSerde, sources } = table
  const name = graph.name(options.name, 'KTABLE-TOSTREAM-')
  const role = processorRole({ supplier: { get: () => new NewValues() } })
  const node = graph.add(name, role, table.node)
  return { graph, node, name, keySerde, valueSerde, sources, repartitionRequired: false, joinRepartition: {} }
}
