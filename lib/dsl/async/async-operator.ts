import { bytesToMapKey } from '../../common/bytes.ts'
import { present } from '../../common/assert.ts'
import { ConfigError, errorFrom } from '../../common/errors/errors.ts'
import type { RecordContext } from '../../common/record-context.ts'
import { deferringContext, type DeferredWork } from '../../processor/deferred-work.ts'
import type { ProcessorContext } from '../../processor/processor-context.ts'
import type { Processor } from '../../processor/processor.ts'
import type { Record } from '../../processor/record.ts'
import { resolveSerde } from '../../serde/open-serde.ts'
import type { Serde, SerdeContext } from '../../serde/serde.ts'
import { SerdePendingError } from '../../serde/serde-pending-error.ts'
import type { PendingStore } from '../../store/operator/pending-store.ts'
import { synchronous } from '../kit/synchronous.ts'
import type { AsyncCall } from '../options/async-functions.ts'
import type { AsyncLimits } from '../options/async-options.ts'
import { CallRunner } from './call-runner.ts'
import { decodeInput, type AsyncInput } from './input-format.ts'
import { PendingCall } from './pending-call.ts'

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
  #keySerde!: Serde<unknown>
  #valueSerde!: Serde<unknown>
  #serdeContext!: SerdeContext
  #latest: RecordContext | undefined
  #ordinal = 0

  constructor(settings: AsyncOperatorSettings, work: AsyncWork<K, V, R, KR, VR>) {
    this.#settings = settings
    this.#work = work
  }

  get size(): number {
    return this.#runner.size
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
    this.#serdeContext = { topic: this.#store.changelogTopic }
    this.#keySerde = resolveSerde(keySerde, context.defaultKeySerde) ?? missing(nodeName, 'key')
    this.#valueSerde = resolveSerde(valueSerde, context.defaultValueSerde) ?? missing(nodeName, 'value')
    synchronous(this.#work.init?.(context), { callback: 'init of processAsync', node: nodeName })
    this.#runner = new CallRunner({
      limits,
      clock: deferring.clock,
      metrics: context.metrics,
      tags: { 'task-id': context.taskId, node: nodeName },
      call: (input, about) => this.#call(input, about),
      onReady: deferring.defer(this),
    })
    this.#callAgain()
  }

  process(record: Record<K, V>): void {
    const context = this.#context.recordContext()
    const key = this.#bytes(this.#keySerde, record.key)
    const value = this.#bytes(this.#valueSerde, record.value)
    const call = this.#newCall({ key, value, context, ordinal: this.#ordinalOf(context) }, record)
    call.sequence = this.#store.add(call)
    this.#runner.add(call)
  }

  applyNext(): void {
    const call = this.#runner.takeOldest()
    this.#store.remove(call.sequence, call.timestamp)
    const outcome = present(call.outcome, 'outcome of an ended call')
    if ('failure' in outcome) throw errorFrom(outcome.failure)
    this.#work.apply(call, outcome.result, this.#context)
  }

  close(): void {
    // Undefined where `init` did not get that far.
    ;(this.#runner as CallRunner<K, V, R> | undefined)?.close()
    this.#work.close?.()
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

  /**
   * An input that waited at the last commit is read first; where that fails the call has failed, and the
   * handler decides.
   */
  #call(input: PendingCall<K, V, R>, about: AsyncCall): PromiseLike<R> {
    if (input.record) return this.#work.call(input, about)
    try {
      const key = this.#object(this.#keySerde, input.input.key) as K
      const value = this.#object(this.#valueSerde, input.input.value) as V
      input.record = { key, value }
    } catch (error) {
      if (!(error instanceof SerdePendingError)) throw error
      return error.settled.then(() => this.#call(input, about))
    }
    return this.#work.call(input, about)
  }

  #newCall(
    input: AsyncInput,
    record: { readonly key: K; readonly value: V } | undefined,
  ): PendingCall<K, V, R> {
    const isOrdered = this.#settings.limits.order === 'key' && input.key !== null
    return new PendingCall(input, record, isOrdered ? bytesToMapKey(input.key) : undefined)
  }

  /** Several inputs of one source record come one after the other. */
  #ordinalOf(context: RecordContext): number {
    const latest = this.#latest
    const isSame =
      latest !== undefined &&
      latest.offset === context.offset &&
      latest.partition === context.partition &&
      latest.topic === context.topic
    this.#latest = context
    this.#ordinal = isSame ? this.#ordinal + 1 : 0
    return this.#ordinal
  }

  #bytes(serde: Serde<unknown>, value: unknown): Uint8Array | null {
    return value === null || value === undefined ? null : serde.serialize(value, this.#serdeContext)
  }

  #object(serde: Serde<unknown>, bytes: Uint8Array | null): unknown {
    return bytes === null ? null : serde.deserialize(bytes, this.#serdeContext)
  }
}

function missing(nodeName: string, part: 'key' | 'value'): never {
  throw new ConfigError(
    'SERDE_MISSING',
    `the asynchronous operator "${nodeName}" has no ${part}Serde for inputs that wait while the application commits: give it one, ` +
      `or set default${part === 'key' ? 'Key' : 'Value'}Serde`,
  )
}
