import type { Clock } from '../../../common/clock.ts'
import { BrokerError } from '../../broker-error.ts'
import type { Consumer, OffsetToCommit } from '../../broker.ts'
import { KafkaConsumer } from './kafka-consumer.ts'
import { nativeCall } from './native-call.ts'
import type { NativeCalls } from './native-calls.ts'
import type { NativeCallback, NativeProducer } from './native-client.ts'

/** The longest timeout of a call, which is no longer than the transaction either. */
const CALL_MS = 10_000
/** The timeout of `initTransactions`, which is repeated here and not by its caller. */
const INIT_MS = 60_000
const RETRY_MS = 50

export interface NativeTransactionsOptions {
  readonly native: NativeProducer
  readonly clock: Clock
  /** The unfinished calls of the same producer. */
  readonly calls: NativeCalls
  readonly transactionTimeoutMs: number | undefined
}

/** The transactions of a native producer, call by call. */
export class NativeTransactions {
  readonly #native: NativeProducer
  readonly #clock: Clock
  readonly #callMs: number
  readonly #calls: NativeCalls
  #isClosed = false

  constructor({ native, clock, calls, transactionTimeoutMs = CALL_MS }: NativeTransactionsOptions) {
    this.#native = native
    this.#clock = clock
    this.#calls = calls
    this.#callMs = Math.min(CALL_MS, transactionTimeoutMs)
  }

  init(): Promise<void> {
    return this.#persistently('initialising transactions', INIT_MS, (timeoutMs, callback) =>
      this.#native.initTransactions(timeoutMs, callback),
    )
  }

  begin(): Promise<void> {
    return this.#calls
      .run('beginning a transaction', this.#callMs, callback => this.#native.beginTransaction(callback))
      .then(nothing)
  }

  async sendOffsets(offsets: readonly OffsetToCommit[], consumer: Consumer): Promise<void> {
    if (!(consumer instanceof KafkaConsumer)) throw new TypeError('the consumer is not one of this broker')
    // The native call reads the group's generation from the consumer, and crashes where that is closed.
    const doing = 'adding offsets to a transaction'
    const call = consumer.withGroupHandle(handle =>
      nativeCall(doing, callback =>
        this.#native.sendOffsetsToTransaction(offsets, handle, this.#callMs, callback),
      ),
    )
    await this.#calls.answer(doing, this.#callMs, call)
  }

  commit(): Promise<void> {
    return this.#calls
      .run('committing a transaction', this.#callMs, callback =>
        this.#native.commitTransaction(this.#callMs, callback),
      )
      .then(nothing)
  }

  /**
   * Aborts, for no longer than the transaction lives: a new producer of the same id ends it, too. Rejects at
   * once with class `fenced` where another call is unfinished: the client answers each call with an error
   * until then.
   */
  async abort(): Promise<void> {
    try {
      await this.#persistently('aborting a transaction', this.#callMs, (timeoutMs, callback) =>
        this.#native.abortTransaction(timeoutMs, callback),
      )
    } catch (reason) {
      if (!isConflict(reason)) throw reason
      throw new BrokerError(
        reason.code,
        'fenced',
        `${reason.message}; only a new producer can end the transaction`,
        {
          cause: reason,
        },
      )
    }
  }

  /** Ends the repetition of calls. */
  close(): void {
    this.#isClosed = true
  }

  async #persistently(
    doing: string,
    timeoutMs: number,
    start: (timeoutMs: number, callback: NativeCallback) => void,
  ): Promise<void> {
    const deadlineMs = this.#clock.monotonicMs() + timeoutMs
    for (;;) {
      try {
        await this.#calls.run<unknown>(doing, this.#callMs, callback => start(this.#callMs, callback))
        return
      } catch (reason) {
        const isRetriable = reason instanceof BrokerError && reason.class === 'retriable'
        const again = isRetriable && !isConflict(reason) && !this.#isClosed
        if (!again || this.#clock.monotonicMs() >= deadlineMs) throw reason
      }
      await this.#clock.sleep(RETRY_MS)
    }
  }
}

function isConflict(reason: unknown): reason is BrokerError {
  return reason instanceof BrokerError && reason.code === 'CONFLICTING_CALL'
}

function nothing(): void {
  // The native client has nothing to say beyond success.
}
