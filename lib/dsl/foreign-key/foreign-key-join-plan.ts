import type { ProcessorContext } from '../../processor/processor-context.ts'
import type { Serde } from '../../serde/serde.ts'
import { KeyBytes } from './key-bytes.ts'

/** The common plan of the processors of one foreign-key join. Missing serdes are the application's. */
export interface ForeignKeyJoinPlan {
  readonly extractor: (value: unknown, key: unknown) => unknown
  readonly left: boolean
  /** Name of the topic without the application id. */
  readonly subscriptionTopic: string
  readonly storeName: string
  readonly primaryKeySerde: Serde<unknown> | undefined
  readonly primaryValueSerde: Serde<unknown> | undefined
  readonly foreignKeySerde: Serde<unknown> | undefined
}

export function primaryKeyBytes(plan: ForeignKeyJoinPlan, context: ProcessorContext): KeyBytes {
  return new KeyBytes(
    plan.primaryKeySerde,
    context.defaultKeySerde,
    'primary key',
    topic(plan, context, 'pk'),
  )
}

export function foreignKeyBytes(plan: ForeignKeyJoinPlan, context: ProcessorContext): KeyBytes {
  return new KeyBytes(
    plan.foreignKeySerde,
    context.defaultKeySerde,
    'foreign key',
    topic(plan, context, 'fk'),
  )
}

/** Bytes of a row's value, for hashing. */
export function primaryValueBytes(plan: ForeignKeyJoinPlan, context: ProcessorContext): KeyBytes {
  return new KeyBytes(
    plan.primaryValueSerde,
    context.defaultValueSerde,
    'left value',
    topic(plan, context, 'vh'),
  )
}

/** Topic name for a serde, as Kafka Streams has it: with a schema registry such names are subjects. */
function topic(plan: ForeignKeyJoinPlan, { applicationId }: ProcessorContext, part: string): string {
  return `${applicationId}-${plan.subscriptionTopic}-${part}`
}
