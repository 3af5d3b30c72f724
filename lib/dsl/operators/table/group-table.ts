import { StreamsError } from '../../../common/errors/errors.ts'
import type { ProcessorContext } from '../../../processor/processor-context.ts'
import type { Processor } from '../../../processor/processor.ts'
import { Record } from '../../../processor/record.ts'
import { Change } from '../../kit/change.ts'
import type { PairMapper } from '../../options/functions.ts'
import { checkName } from '../../graph/node-name.ts'
import type { GroupedOptions } from '../../options/options.ts'
import type { GroupedTableHandle, TableHandle } from '../../kit/handles.ts'
import { isVersioned } from '../../kit/table-operator.ts'
import type { CallbackOwner } from '../../kit/synchronous.ts'
import { synchronous } from '../../kit/synchronous.ts'
import { processorRole } from '../../kit/add-node.ts'
import { equalKeys } from '../../kit/equal-keys.ts'

/**
 * Makes changes of groups from a change of a row: one for the group it leaves, then one for the group it
 * comes to; or a single one with both values where the group stays the same (KIP-904), so that nobody sees
 * the group without the row.
 */
class Regroup<K, V, KR, VR> implements Processor<K, Change<V>, KR, Change<VR>> {
  readonly #selector: PairMapper<K, V, KR, VR>
  readonly #latestOnly: boolean
  readonly #owner: CallbackOwner
  #context!: ProcessorContext<KR, Change<VR>>

  /** `latestOnly`: changes of a versioned table that came out of order are dropped. */
  constructor(selector: PairMapper<K, V, KR, VR>, latestOnly: boolean, owner: CallbackOwner) {
    this.#selector = selector
    this.#latestOnly = latestOnly
    this.#owner = owner
  }

  init(context: ProcessorContext<KR, Change<VR>>): void {
    this.#context = context
  }

  process(record: Record<K, Change<V>>): void {
    const { key, value: change } = record
    if (key === null) throw new StreamsError('NULL_KEY', 'a change of a grouped table has no key')
    if (this.#latestOnly && !change.isLatest) return
    const left = this.#select(change.oldValue, key)
    const joined = this.#select(change.newValue, key)
    if (left && joined && equalKeys(left[0], joined[0])) {
      return this.#forward(record, left[0], new Change(joined[1], left[1]))
    }
    if (left) this.#forward(record, left[0], new Change<VR>(null, left[1]))
    if (joined) this.#forward(record, joined[0], new Change<VR>(joined[1], null))
  }

  /** The new key and value. A null key or value keeps the row out of all groups. */
  #select(value: V | null, key: K): readonly [KR, VR] | undefined {
    if (value === null) return undefined
    const owner = this.#owner
    const pair = synchronous(this.#selector(value, key), owner)
    synchronous(pair[0], owner, pair)
    synchronous(pair[1], owner, pair)
    return pair[0] === null || pair[1] === null ? undefined : pair
  }

  #forward(cause: Record<K, Change<V>>, key: KR, change: Change<VR>): void {
    this.#context.forward(new Record(key, change, cause.timestamp, cause.headerList))
  }
}

export function groupTable<K, V, KR, VR>(
  table: TableHandle,
  selector: PairMapper<K, V, KR, VR>,
  options: GroupedOptions<NonNullable<KR>, NonNullable<VR>> = {},
): GroupedTableHandle {
  const name = table.graph.name(options.name, 'KTABLE-SELECT-')
  // The node is not marked as changing keys, as in Kafka Streams: its repartition topic stays where it is,
  // and no other one moves up to it.
  const owner = { callback: 'the selector of groupBy', node: name }
  const get = () => new Regroup(selector, isVersioned(table.operator), owner)
  const role = processorRole({ supplier: { get } })
  const node = table.graph.add(name, role, table.node)
  table.operator.requestOldValues(true)
  return {
    graph: table.graph,
    node,
    keySerde: options.keySerde,
    valueSerde: options.valueSerde,
    givenName: options.name === undefined ? undefined : checkName(options.name),
    namedRepartition: {},
  }
}
