import type { Counter } from '../../common/metrics/meter.ts'
import type { ProcessorContext } from '../../processor/processor-context.ts'
import type { Processor } from '../../processor/processor.ts'
import type { Record } from '../../processor/record.ts'
import type { TimestampedKeyValueStore } from '../../store/contract/key-value-store.ts'
import { droppedRecords } from '../kit/dropped-records.ts'
import type { ForeignKeyJoinPlan } from './foreign-key-join-plan.ts'
import { foreignKeyBytes } from './foreign-key-join-plan.ts'
import type { KeyBytes } from './key-bytes.ts'
import { subscriptionKey } from './key-bytes.ts'
import type { Subscription } from './subscription.ts'

/** The store of subscriptions, by `subscriptionKey`. */
export type SubscriptionStore = TimestampedKeyValueStore<Uint8Array, Subscription>

/**
 * Right side: keeps the subscriptions to each row. A subscription without a foreign key is not kept, but
 * answered.
 */
export class ReceiveSubscription implements Processor<unknown, Subscription, unknown, Subscription> {
  readonly #plan: ForeignKeyJoinPlan
  #context!: ProcessorContext<unknown, Subscription>
  #dropped!: Counter
  #store!: SubscriptionStore
  #foreignKeys!: KeyBytes

  constructor(plan: ForeignKeyJoinPlan) {
    this.#plan = plan
  }

  init(context: ProcessorContext<unknown, Subscription>): void {
    this.#context = context
    this.#dropped = droppedRecords(context as ProcessorContext)
    this.#store = context.getStateStore(this.#plan.storeName)
    this.#foreignKeys = foreignKeyBytes(this.#plan, context as ProcessorContext)
  }

  process(record: Record<unknown, Subscription>): void {
    const { key, value, timestamp } = record
    if (key === null) {
      if (value.instruction !== 'answer-always') return this.#dropped.add()
      return this.#context.forward(record)
    }
    const isDeletion =
      value.instruction === 'delete-silently' || value.instruction === 'delete-and-answer-null'
    const storeKey = subscriptionKey(this.#foreignKeys.write(key), value.primaryKey)
    this.#store.put(storeKey, isDeletion ? null : { value, timestamp })
    this.#context.forward(record)
  }
}
