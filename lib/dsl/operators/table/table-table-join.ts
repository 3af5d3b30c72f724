import type { ProcessorContext } from '../../../processor/processor-context.ts'
import type { Processor, ProcessorSupplier } from '../../../processor/processor.ts'
import type { Record } from '../../../processor/record.ts'
import { ChangeForwarder } from '../../kit/change-forwarder.ts'
import { Change } from '../../kit/change.ts'
import type { Joiner } from '../../options/functions.ts'
import type { TableStore } from '../../kit/materialized.ts'
import { saysMaterialized, storeBuilder, tableStore } from '../../kit/materialized.ts'
import type { TableOptions } from '../../options/options.ts'
import type { TableHandle } from '../../kit/handles.ts'
import type { TableOperator, TableValueGetter } from '../../kit/table-operator.ts'
import { isVersioned, storeValues } from '../../kit/table-operator.ts'
import type { RowStore } from '../../kit/row-store.ts'
import { rowStore } from '../../kit/row-store.ts'
import { synchronousJoiner } from '../../kit/synchronous.ts'
import { checkSameBuilder } from '../../kit/add-node.ts'
import type { AnyJoiner, JoinNeeds } from '../../joins/table-join-side.ts'
import { JoiningReader, TableJoinSide } from '../../joins/table-join-side.ts'

export type TableJoinKind = 'inner' | 'left' | 'outer'

/** Names of the methods, for messages. */
const METHODS = { inner: 'join', left: 'leftJoin', outer: 'outerJoin' } as const

/**
 * A join of two tables: a processor for the changes of each side, and one behind both that keeps the result.
 */
class JoinedTable implements TableOperator {
  readonly #kind: TableJoinKind
  readonly #left: TableOperator
  readonly #right: TableOperator
  readonly #joiner: AnyJoiner
  readonly #storeName: string | undefined
  readonly #historyRetentionMs: number | undefined
  #sendOldValues = false

  constructor(
    kind: TableJoinKind,
    left: TableOperator,
    right: TableOperator,
    joiner: AnyJoiner,
    store: TableStore | undefined,
  ) {
    this.#kind = kind
    this.#left = left
    this.#right = right
    this.#joiner = joiner
    this.#storeName = store?.name
    this.#historyRetentionMs = store?.historyRetentionMs
  }

  get(): Processor {
    return this.#storeName === undefined
      ? new PassResult(this.#sendOldValues)
      : new KeepResult(this.#storeName, this.#sendOldValues)
  }

  leftSide(): ProcessorSupplier {
    const needs = { own: this.#kind !== 'outer', other: this.#kind === 'inner' }
    const rows = this.#right.values()
    return { get: () => this.#side(this.#left, rows, this.#joiner, needs) }
  }

  rightSide(): ProcessorSupplier {
    const needs = { own: this.#kind === 'inner', other: this.#kind !== 'outer' }
    const rows = this.#left.values()
    const joiner: AnyJoiner = (right, left, key) => this.#joiner(left, right, key)
    return { get: () => this.#side(this.#right, rows, joiner, needs) }
  }

  /**
   * Whether the result is versioned: never, even of two versioned tables, since it is made of rows of two
   * different times (KIP-914).
   */
  isVersioned(): boolean {
    return this.#historyRetentionMs !== undefined
  }

  #side(own: TableOperator, other: TableValueGetter, joiner: AnyJoiner, needs: JoinNeeds): Processor {
    return new TableJoinSide(other.reader(), joiner, needs, this.#sendOldValues, isVersioned(own))
  }

  /** Asks both sides for old values: an old result is made from the old row of the side that changed. */
  requestOldValues(): boolean {
    this.#left.requestOldValues(true)
    this.#right.requestOldValues(true)
    this.#sendOldValues = true
    return true
  }

  values(): TableValueGetter {
    if (this.#storeName !== undefined) return storeValues(this.#storeName, this.#historyRetentionMs)
    const left = this.#left.values()
    const right = this.#right.values()
    const needs = { own: this.#kind !== 'outer', other: this.#kind === 'inner' }
    return {
      storeNames: [...new Set([...left.storeNames, ...right.storeNames])],
      reader: () => new JoiningReader(left.reader(), right.reader(), this.#joiner, needs),
    }
  }
}

class PassResult implements Processor<unknown, Change<unknown>, unknown, Change<unknown>> {
  readonly #sendOldValues: boolean
  #context!: ProcessorContext<unknown, Change<unknown>>

  constructor(sendOldValues: boolean) {
    this.#sendOldValues = sendOldValues
  }

  init(context: ProcessorContext<unknown, Change<unknown>>): void {
    this.#context = context
  }

  process(record: Record<unknown, Change<unknown>>): void {
    const { newValue, oldValue, isLatest } = record.value
    if (this.#sendOldValues || oldValue === null) this.#context.forward(record)
    else this.#context.forward(record.withValue(new Change(newValue, null, isLatest)))
  }
}

class KeepResult implements Processor<unknown, Change<unknown>, unknown, Change<unknown>> {
  readonly #storeName: string
  readonly #sendOldValues: boolean
  #store!: RowStore<unknown, unknown>
  #forwarder!: ChangeForwarder<unknown, unknown>

  constructor(storeName: string, sendOldValues: boolean) {
    this.#storeName = storeName
    this.#sendOldValues = sendOldValues
  }

  init(context: ProcessorContext<unknown, Change<unknown>>): void {
    this.#store = rowStore(context, this.#storeName)
    this.#forwarder = new ChangeForwarder(context, this.#store, this.#sendOldValues)
  }

  process(record: Record<unknown, Change<unknown>>): void {
    const { key, value: change, timestamp } = record
    const { newValue: value, oldValue } = change
    const put = this.#store.put(key, value, timestamp)
    this.#forwarder.forward(record, value, oldValue, timestamp, put)
  }
}

/**
 * Joins tables. Unlike elsewhere, options of a store without a name do give the result a store, though none
 * that can be queried.
 */
export function joinTables<K, L, R, VR>(
  left: TableHandle,
  right: TableHandle,
  joiner: Joiner<K, L, R, VR>,
  kind: TableJoinKind,
  options: TableOptions<K, NonNullable<VR>> = {},
): TableHandle {
  checkSameBuilder(left, right)
  const { graph, keySerde } = left
  const store = saysMaterialized(options)
    ? tableStore(graph, options, 'KTABLE-MERGE-', { keySerde, valueSerde: undefined })
    : undefined
  const name = graph.name(options.name, 'KTABLE-MERGE-')
  const sources = graph.coPartition(left.sources, right.sources)
  // Old rows decide whether a deletion changes anything: only sides that may stand alone need them.
  if (kind !== 'inner') left.operator.requestOldValues(true)
  if (kind === 'outer') right.operator.requestOldValues(true)
  const owner = { callback: `the joiner of ${METHODS[kind]}`, node: name }
  const checked = synchronousJoiner(joiner as AnyJoiner, owner)
  const operator = new JoinedTable(kind, left.operator, right.operator, checked, store)
  const role = {
    kind: 'table-join',
    left: joinSide(
      graph.name(options.name, 'KTABLE-JOINTHIS-', '-join-this'),
      left,
      right,
      operator.leftSide(),
    ),
    right: joinSide(
      graph.name(options.name, 'KTABLE-JOINOTHER-', '-join-other'),
      right,
      left,
      operator.rightSide(),
    ),
    merger: operator,
    ownStore: store && (() => storeBuilder(store)),
  } as const
  return {
    graph,
    node: graph.add(name, role, left.node, right.node),
    name,
    keySerde: store ? store.keySerde : keySerde,
    valueSerde: store?.valueSerde,
    sources,
    operator,
    queryableStoreName: store?.name,
  }
}

function joinSide(name: string, own: TableHandle, other: TableHandle, supplier: ProcessorSupplier) {
  return { name, parent: own.name, supplier, stores: other.operator.values().storeNames }
}
