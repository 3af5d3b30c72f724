import { isDeepStrictEqual } from 'node:util'
import type { ProcessorContext } from '../../../processor/processor-context.ts'
import type { Processor } from '../../../processor/processor.ts'
import type { Record } from '../../../processor/record.ts'
import { NEW_VALUE, processorRole } from '../../kit/add-node.ts'
import type { Change } from '../../kit/change.ts'
import type { StreamHandle, TableHandle } from '../../kit/handles.ts'
import { isVersioned } from '../../kit/table-operator.ts'
import type { RowChange } from '../../options/functions.ts'
import type { NamedOptions } from '../../options/options.ts'

/**
 * Forwards each row that changes with what it was before; one that is written again as it is goes no further,
 * nor does a tombstone for nothing.
 */
class Changes<K, V> implements Processor<K, Change<V>, K, RowChange<V>> {
  readonly #latestOnly: boolean
  #context!: ProcessorContext<K, RowChange<V>>

  /** `latestOnly`: changes of a versioned table that came out of order are dropped. */
  constructor(latestOnly: boolean) {
    this.#latestOnly = latestOnly
  }

  init(context: ProcessorContext<K, RowChange<V>>): void {
    this.#context = context
  }

  process(record: Record<K, Change<V>>): void {
    const { oldValue: before, newValue: after, isLatest } = record.value
    if (this.#latestOnly && !isLatest) return
    if (isDeepStrictEqual(before, after)) return
    this.#context.forward(record.withValue({ before, after }))
  }
}

export function tableChanges(table: TableHandle, options: NamedOptions = {}): StreamHandle {
  const { graph, keySerde, sources } = table
  const name = graph.name(options.name, 'KTABLE-CHANGES-')
  table.operator.requestOldValues(true)
  const get = () => new Changes(isVersioned(table.operator))
  const node = graph.add(name, processorRole({ supplier: { get }, changesValue: true }), table.node)
  return {
    graph,
    node,
    name,
    keySerde,
    sources,
    repartitionRequired: false,
    joinRepartition: {},
    ...NEW_VALUE,
  }
}
