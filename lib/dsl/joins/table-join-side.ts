import type { Counter } from '../../common/metrics/meter.ts'
import type { ProcessorContext } from '../../processor/processor-context.ts'
import type { Processor } from '../../processor/processor.ts'
import { Record } from '../../processor/record.ts'
import type { ValueAndTimestamp } from '../../store/contract/key-value-store.ts'
import { Change } from '../kit/change.ts'
import type { Joiner } from '../options/functions.ts'
import type { ValueReader } from '../kit/table-operator.ts'
import { droppedRecords } from '../kit/dropped-records.ts'

export type AnyJoiner = Joiner<unknown, unknown, unknown, unknown>

/** Sides that a result of the join needs, seen from one side: its own, and the other. */
export interface JoinNeeds {
  readonly own: boolean
  readonly other: boolean
}

/** Joins the changes of one table with the present row of the other. `joiner` takes this side first. */
export class TableJoinSide implements Processor<unknown, Change<unknown>, unknown, Change<unknown>> {
  readonly #rows: ValueReader
  readonly #joiner: AnyJoiner
  readonly #needs: JoinNeeds
  readonly #sendOldValues: boolean
  readonly #latestOnly: boolean
  #context!: ProcessorContext<unknown, Change<unknown>>
  #dropped!: Counter

  /** `latestOnly`: changes of a versioned table that came out of order are dropped (and counted). */
  constructor(
    rows: ValueReader,
    joiner: AnyJoiner,
    needs: JoinNeeds,
    sendOldValues: boolean,
    latestOnly: boolean,
  ) {
    this.#rows = rows
    this.#joiner = joiner
    this.#needs = needs
    this.#sendOldValues = sendOldValues
    this.#latestOnly = latestOnly
  }

  init(context: ProcessorContext<unknown, Change<unknown>>): void {
    this.#context = context
    this.#dropped = droppedRecords(context)
    this.#rows.init(context as ProcessorContext)
  }

  process(record: Record<unknown, Change<unknown>>): void {
    const { key, value: change, timestamp } = record
    if (key === null || (this.#latestOnly && !change.isLatest)) return this.#dropped.add()
    const other = this.#rows.get(key)
    if (!other && (this.#needs.other || (change.newValue === null && change.oldValue === null))) return
    const newValue = this.#join(change.newValue, other, key)
    const oldValue = this.#sendOldValues ? this.#join(change.oldValue, other, key) : null
    const latest = other ? Math.max(timestamp, other.timestamp) : timestamp
    this.#context.forward(
      new Record(key, new Change(newValue, oldValue, change.isLatest), latest, record.headerList),
    )
  }

  close(): void {
    this.#rows.close?.()
  }

  #join(own: unknown, other: ValueAndTimestamp<unknown> | undefined, key: unknown): unknown {
    if (own === null && (this.#needs.own || !other)) return null
    return this.#joiner(own, other ? other.value : null, key)
  }
}

/** A row of a join that is kept nowhere: made from the rows of both sides at each lookup. */
export class JoiningReader implements ValueReader {
  readonly #left: ValueReader
  readonly #right: ValueReader
  readonly #joiner: AnyJoiner
  /** Needs of the join, seen from the left side. */
  readonly #needs: JoinNeeds

  constructor(left: ValueReader, right: ValueReader, joiner: AnyJoiner, needs: JoinNeeds) {
    this.#left = left
    this.#right = right
    this.#joiner = joiner
    this.#needs = needs
  }

  init(context: ProcessorContext): void {
    this.#left.init(context)
    this.#right.init(context)
  }

  get(key: unknown): ValueAndTimestamp<unknown> | undefined {
    const left = this.#left.get(key)
    if (!left && this.#needs.own) return undefined
    const right = this.#right.get(key)
    if (!right && (this.#needs.other || !left)) return undefined
    const value = this.#joiner(left ? left.value : null, right ? right.value : null, key)
    const timestamp = Math.max(left?.timestamp ?? -1, right?.timestamp ?? -1)
    return value === null ? undefined : { value, timestamp }
  }

  close(): void {
    this.#left.close?.()
    this.#right.close?.()
  }
}
