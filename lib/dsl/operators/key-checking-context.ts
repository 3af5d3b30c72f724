import { StreamsError } from '../../common/errors.ts'
import type { TaskId } from '../../common/ids.ts'
import type { Logger } from '../../common/logger.ts'
import type { Metrics } from '../../common/metrics.ts'
import type { RecordContext } from '../../common/record-context.ts'
import type {
  Cancellable,
  ProcessorContext,
  PunctuationOptions,
  Punctuator,
  RecordMetadata,
} from '../../processor/processor-context.ts'
import type { Record } from '../../processor/record.ts'
import type { StateStore } from '../../store/state-store.ts'

/**
 * The context of a processor that must keep keys: forwarding another key than that of the record being processed throws. In
 * a punctuator there is no such record, and the key is not checked.
 */
export class KeyCheckingContext implements ProcessorContext {
  readonly #inner: ProcessorContext
  #record: Record<unknown, unknown> | undefined

  constructor(inner: ProcessorContext) {
    this.#inner = inner
  }

  enter(record: Record<unknown, unknown>): void {
    this.#record = record
  }

  leave(): void {
    this.#record = undefined
  }

  forward(record: Record<unknown, unknown>, childName?: string): void {
    if (this.#record && record.key !== this.#record.key) {
      throw new StreamsError(
        'KEY_CHANGED',
        'a processor of processValues forwarded a record with another key: use process instead, after which records are repartitioned where needed.',
      )
    }
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

  getStateStore<S extends StateStore>(name: string): S {
    return this.#inner.getStateStore<S>(name)
  }

  schedule(options: PunctuationOptions, callback: Punctuator): Cancellable {
    return this.#inner.schedule(options, callback)
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
