import { present } from '../../common/assert.ts'
import { errorFrom } from '../../common/errors/errors.ts'
import type { RecordContext } from '../../common/record-context.ts'
import { deferringContext, type DeferredWork } from '../../processor/deferred-work.ts'
import type { ProcessorContext } from '../../processor/processor-context.ts'
import type { Processor } from '../../processor/processor.ts'
import type { Record } from '../../processor/record.ts'
import type { PendingStore } from '../../store/operator/pending-store.ts'
import type { AsyncOperatorSettings, AsyncWork } from '../calls/async-work.ts'
import { synchronous } from '../kit/synchronous.ts'
import { AsyncInputs } from '../calls/async-inputs.ts'
import { CallSurroundings } from '../calls/call-surroundings.ts'
import { CallRunner } from './call-runner.ts'
import { decodeInput, type AsyncInput } from '../calls/input-format.ts'
import { PendingCall } from '../calls/pending-call.ts'

/**
 * The node behind the asynchronous operators. Inputs come in by `process`, calls are made at once, and the
 * task has the results applied in the order of the inputs. What waits is in the pending store: written by a
 * commit, found again by the next object of this class.
 */
export class AsyncOperator<K, V, R, KR, VR> implements Processor<K, V, KR, VR>, DeferredWork {
  readonly #settings: AsyncOperatorSettings
  readonly #work: AsyncWork<K, V, R, KR, VR>
  #context!: ProcessorContext<KR, VR>
  #store!: PendingStore
  #runner!: CallRunner<K, V, R>
  #inputs!: AsyncInputs<K, V>

  constructor(settings: AsyncOperatorSettings, work: AsyncWork<K, V, R, KR, VR>) {
    this.#settings = settings
    this.#work = work
  }

  get size(): number {
    return this.#runner.size
  }

  /** Inputs wait for their calls only. */
  get parked(): number {
    return 0
  }

  get hasRoom(): boolean {
    return this.#runner.hasRoom
  }

  get isReady(): boolean {
    return this.#runner.isReady
  }

  get nextContext(): RecordContext {
    return present(this.#runner.oldest, 'oldest call').input.context
  }

  init(context: ProcessorContext<KR, VR>): void {
    const { nodeName, storeName, keySerde, valueSerde, limits } = this.#settings
    const deferring = deferringContext(context)
    this.#context = context
    this.#store = context.getStateStore(storeName)
    const { changelogTopic } = this.#store
    this.#inputs = new AsyncInputs({ nodeName, keySerde, valueSerde, changelogTopic }, context)
    synchronous(this.#work.init?.(context), { callback: 'init of processAsync', node: nodeName })
    this.#runner = new CallRunner({
      limits,
      clock: deferring.clock,
      metrics: context.metrics,
      tags: { 'task-id': context.taskId, node: nodeName },
      surroundings: new CallSurroundings(deferring, nodeName),
      call: (input, about) => this.#inputs.callWith(input, () => this.#work.call(input, about)),
      onReady: deferring.defer(this),
    })
    this.#callAgain()
  }

  process(record: Record<K, V>): void {
    const call = this.#newCall(this.#inputs.inputOf(record, this.#context.recordContext()), record)
    call.sequence = this.#store.add(call)
    this.#runner.add(call)
  }

  applyNext(): void {
    const call = this.#takeOldest()
    const outcome = present(call.outcome, 'outcome of an ended call')
    if ('failure' in outcome) throw errorFrom(outcome.failure)
    this.#work.apply(call, outcome.result, this.#context)
  }

  dropNext(): void {
    this.#takeOldest()
  }

  close(): void {
    // Undefined where `init` did not get that far.
    ;(this.#runner as CallRunner<K, V, R> | undefined)?.close()
    this.#work.close?.()
  }

  #takeOldest(): PendingCall<K, V, R> {
    const call = this.#runner.takeOldest()
    this.#store.remove(call.sequence, call.timestamp)
    return call
  }

  /**
   * What waited at the last commit. All of it is looked at before the first call is made: a store that cannot
   * be read ends the start.
   */
  #callAgain(): void {
    const calls = this.#store.takeFound().map(({ sequence, bytes }) => {
      const call = this.#newCall(decodeInput(bytes), undefined)
      call.sequence = sequence
      return call
    })
    for (const call of calls) this.#runner.add(call)
  }

  #newCall(
    input: AsyncInput,
    record: { readonly key: K; readonly value: V } | undefined,
  ): PendingCall<K, V, R> {
    const lane = this.#settings.limits.order === 'key' ? this.#inputs.laneOf(input) : undefined
    return new PendingCall(input, record, lane)
  }
}
