import type { Clock } from '../../../../common/clock.ts'
import { errorFrom } from '../../../../common/errors.ts'
import type { OutgoingRecord, Producer } from '../../../broker.ts'
import { closedError } from '../../protocol/protocol-error.ts'
import type { ProducerIdentity } from './outgoing-batch.ts'
import { RecordSender, type RecordSenderOptions } from './record-sender.ts'
import { SendFailures, stateError } from './send-failures.ts'
import type { ProducerOptions } from '../../../broker.ts'
import type { SendQueue } from './send-queue.ts'

const RENEW_MS = 200

/** What producers of both kinds share. */
export type DirectProducerOptions = Pick<
  RecordSenderOptions,
  'clock' | 'cluster' | 'connect' | 'settings' | 'notify'
>

export interface IdempotentProducerOptions extends DirectProducerOptions {
  readonly onSendError: ProducerOptions['onSendError']
  readonly identity: ProducerIdentity
  /** Another one, where the broker has forgotten what was written in the name of the last. */
  renew(): Promise<ProducerIdentity>
}

/**
 * At-least-once, over connections of our own. Idempotent: a batch that is sent again is written once. Where
 * the broker has lost track of a partition's numbers, or a batch was given up that may be there, the
 * partition goes on under another identity, and a batch may come twice.
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

  /** A flush ends with what was sent before it. */
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
    // Others have lost it before, and the next one is on its way or there.
    if (lost === undefined || lost !== this.#sender.identity) return
    this.#sender.setIdentity(undefined)
    void this.#renew()
  }

  async #renew(): Promise<void> {
    while (!this.#isClosed) {
      try {
        return this.#sender.setIdentity(await this.#options.renew())
      } catch (reason) {
        // Records that wait for it end by their own timeout.
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
