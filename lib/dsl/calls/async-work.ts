import type { ProcessorContext } from '../../processor/processor-context.ts'
import type { Serde } from '../../serde/serde.ts'
import type { AsyncCall } from '../options/async-functions.ts'
import type { AsyncLimits } from '../options/async-options.ts'
import type { PendingCall } from './pending-call.ts'

/** What the three asynchronous operators differ in. */
export interface AsyncWork<K, V, R, KR, VR> {
  /** User code; what it returns is looked at. */
  init?(context: ProcessorContext<KR, VR>): unknown
  /** Beside the records of the task. */
  call(input: PendingCall<K, V, R>, about: AsyncCall): PromiseLike<R>
  /**
   * On the synchronous path, in the order of the inputs: forwards what came of one. Throws for a result that
   * is none, before it forwards anything.
   */
  apply(input: PendingCall<K, V, R>, result: R, context: ProcessorContext<KR, VR>): void
  close?(): void
}

export interface AsyncOperatorSettings {
  readonly nodeName: string
  readonly storeName: string
  readonly keySerde: Serde<unknown> | undefined
  readonly valueSerde: Serde<unknown> | undefined
  readonly limits: AsyncLimits
}
