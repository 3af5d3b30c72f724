import type { Clock } from '../../../../common/clock.ts'
import { errorFrom } from '../../../../common/errors/errors.ts'
import type { OutgoingRecord, Producer } from '../../../broker.ts'
import { closedError } from '../../protocol/protocol-error.ts'
import type { ProducerIdentity } from './outgoing-batch.ts'
import { RecordSender, type RecordSenderOptions } from './record-sender.ts'
import { SendFailures, stateError } from './send-failures.ts'
import type { ProducerOptions } from '../../../broker.ts'
import type { SendQueue } from './send-queue.ts'

const RENEW_MS = 200

/** Settings that both producers of the direct path pass to their `RecordSender`. */
export type DirectProducerOptions = Pick<
  RecordSenderOptions,
  'clock' | 'cluster' | 'connect' | 'settings' | 'notify'
>

export interface IdempotentProducerOptions extends DirectProducerOptions {
  readonly onSendError: ProducerOptions['onSendError']
  readonly identity: ProducerIdentity
  /** Gets another identity, where sequence numbers of the last one cannot go on. */
  renew(): Promise<ProducerIdentity>
}

/**
 * The producer of the direct path without transactions. It is idempotent: a batch that is sent again is
 * written once. Where the broker lost a partition's sequence numbers, or a batch was given up that may be in
 * the log, the partition goes on under another producer id, and a batch may be written twice.
 */
export class IdempotentProducer implements Producer {
  readonly #clock: Clock
  readonly #options: IdempotentProducerOptions
  readonly #sender: RecordSender
  readonly #failures: SendFailures
  readonly copies = true
  #isClosed = false

  constructor(options: IdempotentProducerOptions) {
    this.#options = options
    this.#clock = options.clock
    this.#failures = new SendFailures(options.onSendError)
    const { clock, cluster, connect, settings, notify } = options
    this.#sender = new RecordSender({
      clock,
      cluster,
      connect,
      settings,
      notify,
      transactionalId: undefined,
      isInTransaction: () => true,
      addToTransaction: () => undefined,
      reject: (error, record) => this.#failures.reject(error, record),
      sequenceError: (error, queue) => {
        notify(error.message)
        this.#beginAnew(queue)
      },
      givenUpWithUnknownOutcome: queue => this.#beginAnew(queue),
    })
    this.#sender.setIdentity(options.identity)
  }

  send(record: OutgoingRecord): void {
    if (this.#isClosed) throw closedError('producer')
    checkTimestamp(record)
    this.#sender.append(record)
  }

  get writable(): boolean {
    return this.#sender.writable
  }

  drained(): Promise<void> {
    return this.#sender.drained()
  }

  async flush(): Promise<void> {
    if (this.#isClosed) throw closedError('producer')
    await this.#sender.flush()
    const failure = this.#failures.take()
    if (failure) throw failure
  }

  /** Does nothing: without transactions a flush covers what was sent before it. */
  sendAhead(): void {}

  initTransactions(): Promise<void> {
    return notTransactional()
  }

  begin(): Promise<void> {
    return notTransactional()
  }

  sendOffsets(): Promise<void> {
    return notTransactional()
  }

  commitTransaction(): Promise<void> {
    return notTransactional()
  }

  abortTransaction(): Promise<void> {
    return notTransactional()
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#sender.close(closedError('producer'))
  }

  #beginAnew(queue: SendQueue): void {
    const lost = queue.identity
    queue.identity = undefined
    // Another partition has lost this identity before, so the next one is there or requested.
    if (lost === undefined || lost !== this.#sender.identity) return
    this.#sender.setIdentity(undefined)
    void this.#renew()
  }

  async #renew(): Promise<void> {
    while (!this.#isClosed) {
      try {
        return this.#sender.setIdentity(await this.#options.renew())
      } catch (reason) {
        // Records that wait for an identity are refused at their own timeout.
        this.#options.notify(errorFrom(reason).message)
      }
      await this.#clock.sleep(RENEW_MS)
    }
  }
}

export function checkTimestamp({ topic, timestamp }: OutgoingRecord): void {
  if (timestamp >= 0) return
  throw new TypeError(`a record for ${topic} has the timestamp ${timestamp}; it must not be negative`)
}

function notTransactional(): Promise<never> {
  return Promise.reject(stateError('the producer has no transactionalId'))
}
