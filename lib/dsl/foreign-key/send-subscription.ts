import { equalBytes } from '../../common/bytes.ts'
import type { Counter } from '../../common/metrics/meter.ts'
import { murmur3 } from '../../common/hash/murmur3.ts'
import type { ProcessorContext } from '../../processor/processor-context.ts'
import type { Processor } from '../../processor/processor.ts'
import { Record } from '../../processor/record.ts'
import type { Change } from '../kit/change.ts'
import { droppedRecords } from '../kit/dropped-records.ts'
import type { ForeignKeyJoinPlan } from './foreign-key-join-plan.ts'
import { foreignKeyBytes, primaryKeyBytes, primaryValueBytes } from './foreign-key-join-plan.ts'
import type { KeyBytes } from './key-bytes.ts'
import type { Instruction, Subscription } from './subscription.ts'

/** Left side: subscribes a row at the partition of its foreign key, or ends its subscription. */
export class SendSubscription implements Processor<unknown, Change<unknown>, unknown, Subscription> {
  readonly #plan: ForeignKeyJoinPlan
  readonly #latestOnly: boolean
  #context!: ProcessorContext<unknown, Subscription>
  #dropped!: Counter
  #foreignKeys!: KeyBytes
  #primaryKeys!: KeyBytes
  #values!: KeyBytes

  /** `latestOnly`: changes of a versioned table that came out of order are dropped (and counted). */
  constructor(plan: ForeignKeyJoinPlan, latestOnly: boolean) {
    this.#plan = plan
    this.#latestOnly = latestOnly
  }

  init(context: ProcessorContext<unknown, Subscription>): void {
    const plain = context as ProcessorContext
    this.#context = context
    this.#dropped = droppedRecords(plain)
    this.#foreignKeys = foreignKeyBytes(this.#plan, plain)
    this.#primaryKeys = primaryKeyBytes(this.#plan, plain)
    this.#values = primaryValueBytes(this.#plan, plain)
  }

  process(record: Record<unknown, Change<unknown>>): void {
    const { newValue, oldValue, isLatest } = record.value
    if (this.#latestOnly && !isLatest) return this.#dropped.add()
    const before = this.#foreignKey(oldValue, record.key)
    if (this.#plan.left) {
      if (newValue === null && oldValue === null) return
      const now = this.#foreignKey(newValue, record.key)
      if (before !== null && !this.#same(before, now)) this.#send(record, before, 'delete-silently')
      // A row that has gone, or names nothing, is answered too: with null.
      return this.#send(record, now, 'answer-always')
    }
    if (newValue !== null) this.#subscribe(record, before)
    else if (before !== null) this.#send(record, before, 'delete-and-answer-null')
  }

  /**
   * Subscribes in an inner join: the first answer comes only if there is a match; later ones in any case,
   * since they may have to delete a result.
   */
  #subscribe(record: Record<unknown, Change<unknown>>, before: unknown): void {
    const now = this.#foreignKey(record.value.newValue, record.key)
    if (now === null) {
      this.#dropped.add()
      if (before !== null) this.#send(record, before, 'delete-and-answer-null')
      return
    }
    if (before === null) return this.#send(record, now, 'answer-if-row-exists')
    if (this.#same(before, now)) return this.#send(record, now, 'answer-if-row-exists')
    this.#send(record, before, 'delete-silently')
    this.#send(record, now, 'answer-always')
  }

  #foreignKey(value: unknown, key: unknown): unknown {
    return value === null ? null : (this.#plan.extractor(value, key) ?? null)
  }

  #same(before: unknown, now: unknown): boolean {
    if (before === now) return true
    return now !== null && equalBytes(this.#foreignKeys.write(before), this.#foreignKeys.write(now))
  }

  #send(record: Record<unknown, Change<unknown>>, foreignKey: unknown, instruction: Instruction): void {
    const { newValue } = record.value
    const subscription: Subscription = {
      hash: newValue === null ? null : murmur3(this.#values.write(newValue)),
      instruction,
      primaryKey: this.#primaryKeys.write(record.key),
      primaryPartition: this.#context.recordContext().partition,
    }
    this.#context.forward(new Record(foreignKey, subscription, record.timestamp, record.headerList))
  }
}
