import type { Clock, Timer } from '../../../common/clock.ts'
import { BrokerError } from '../../broker-error.ts'
import type { OffsetToCommit } from '../../broker.ts'
import { brokerErrorFrom } from './classify-error.ts'
import type { NativeError, NativePartition } from './native-client.ts'

/** The timeout where the native client does not answer; librdkafka gives up a request after 60 s. */
const COMMIT_TIMEOUT_MS = 90_000
/** The most partitions that a message names. */
const NAMES_MAX = 10

interface PendingCommit {
  readonly offsets: readonly OffsetToCommit[]
  readonly timer: Timer
  settle(error?: BrokerError): void
}

/**
 * Offset commits without an answer. The native `commit` returns at once, and its callback gets a wrong
 * result; the broker's answer comes as the event `offset.commit` with the offsets, mostly in the order of the
 * requests.
 */
export class PendingCommits {
  readonly #clock: Clock
  readonly #pending: PendingCommit[] = []

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get any(): boolean {
    return this.#pending.length > 0
  }

  /**
   * Resolves with the answer. `send` gives the offsets to the native client; where it throws, this rejects.
   */
  add(offsets: readonly OffsetToCommit[], send: () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      send()
      const timer = this.#clock.schedule(COMMIT_TIMEOUT_MS, () => this.#finish(pending, timedOut()))
      const settle = (error?: BrokerError) => (error ? reject(error) : resolve())
      const pending: PendingCommit = { offsets, timer, settle }
      this.#pending.push(pending)
    })
  }

  answered(error: NativeError | undefined, answer: readonly NativePartition[]): void {
    const pending = this.#pending.find(({ offsets }) => sameOffsets(offsets, answer))
    // The answer has come after `COMMIT_TIMEOUT_MS`.
    if (!pending) return
    this.#finish(pending, error && refusalOf(error, pending.offsets))
  }

  failAll(error: BrokerError): void {
    for (const pending of [...this.#pending]) this.#finish(pending, error)
  }

  #finish(pending: PendingCommit, error: BrokerError | undefined): void {
    const index = this.#pending.indexOf(pending)
    if (index < 0) return
    this.#pending.splice(index, 1)
    pending.timer.cancel()
    pending.settle(error)
  }
}

function sameOffsets(sent: readonly OffsetToCommit[], answer: readonly NativePartition[]): boolean {
  if (sent.length !== answer.length) return false
  return sent.every(({ topic, partition, offset }) =>
    answer.some(each => each.topic === topic && each.partition === partition && each.offset === offset),
  )
}

/**
 * The error of a commit. A broker may refuse the offsets of some partitions only; the native client reports
 * the last refusal for the whole commit and not its partition (`rd_kafka_handle_OffsetCommit`), so all are
 * named.
 */
function refusalOf(error: NativeError, offsets: readonly OffsetToCommit[]): BrokerError {
  const names = offsets.slice(0, NAMES_MAX).map(({ topic, partition }) => `${topic}-${partition}`)
  const more = offsets.length > NAMES_MAX ? `, and ${offsets.length - NAMES_MAX} more` : ''
  return brokerErrorFrom(error, `committing offsets of ${names.join(', ')}${more}`, offsets)
}

function timedOut(): BrokerError {
  const message = `the broker has not answered an offset commit for ${COMMIT_TIMEOUT_MS} ms`
  return new BrokerError('REQUEST_TIMED_OUT', 'retriable', message)
}
