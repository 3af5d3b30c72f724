import type { TaskId } from '../../common/ids.ts'
import type { Logger } from '../../common/logger.ts'
import type { Metrics } from '../../common/metrics/metrics.ts'
import type { RecordContext } from '../../common/record-context.ts'
import type {
  Cancellable,
  ProcessorContext,
  OneShotOptions,
  PunctuationOptions,
  Punctuator,
  RecordMetadata,
  TimerHandler,
} from '../../processor/processor-context.ts'
import type { Record } from '../../processor/record.ts'
import type { Serde } from '../../serde/serde.ts'
import type { StateStore, StoreBuilder } from '../../store/contract/state-store.ts'
import type { Timers, TimerStore } from '../../store/contract/timer-store.ts'

/** A context that calls another one: for operators that give user code a narrower one. */
export class WrappedContext implements ProcessorContext {
  readonly #inner: ProcessorContext

  constructor(inner: ProcessorContext) {
    this.#inner = inner
  }

  forward(record: Record<unknown, unknown>, childName?: string): void {
    this.#inner.forward(record, childName)
  }

  get applicationId(): string {
    return this.#inner.applicationId
  }

  get taskId(): TaskId {
    return this.#inner.taskId
  }

  get metrics(): Metrics {
    return this.#inner.metrics
  }

  get logger(): Logger {
    return this.#inner.logger
  }

  get defaultKeySerde(): Serde<unknown> | undefined {
    return this.#inner.defaultKeySerde
  }

  get defaultValueSerde(): Serde<unknown> | undefined {
    return this.#inner.defaultValueSerde
  }

  getStateStore<S extends StateStore>(store: string | StoreBuilder<S>): S {
    return this.#inner.getStateStore<S>(store)
  }

  schedule(options: PunctuationOptions | OneShotOptions, callback: Punctuator): Cancellable {
    return this.#inner.schedule(options, callback)
  }

  timers<K>(store: string | StoreBuilder<TimerStore<K>>, handler: TimerHandler<K>): Timers<K> {
    return this.#inner.timers(store, handler)
  }

  recordMetadata(): RecordMetadata | undefined {
    return this.#inner.recordMetadata()
  }

  recordContext(): RecordContext {
    return this.#inner.recordContext()
  }

  currentStreamTimeMs(): number {
    return this.#inner.currentStreamTimeMs()
  }

  currentSystemTimeMs(): number {
    return this.#inner.currentSystemTimeMs()
  }

  commit(): void {
    this.#inner.commit()
  }
}
