import type { Clock } from '../../../common/clock.ts'
import type { Consumer, OffsetToCommit } from '../../broker.ts'
import { CONTROL_TIMEOUT_MS, type ClientProperties } from '../settings/client-settings.ts'
import { NativeCalls } from './native-calls.ts'
import type { NativeSettings } from '../settings/client-settings.ts'
import type { NativeProducer } from './native-client.ts'
import { NativeTransactions } from './native-transactions.ts'
import type { ProducerIdentity } from '../client/produce/outgoing-batch.ts'
import type { TransactionControl } from '../client/produce/transaction-control.ts'
import { protocolError } from '../protocol/protocol-error.ts'

/** The interval of the native client's statistics, which contain its identity. */
const STATISTICS_MS = 100
const IDENTITY_MS_MAX = 10_000

/** The native client's statistics, as far as they contain its identity (STATISTICS.md, `eos`). */
interface NativeStatistics {
  readonly eos?: { readonly txn_state: string; readonly producer_id: number; readonly producer_epoch: number }
}

/** Settings of a native producer that sends no records. `client` has the user's, which take precedence. */
export function controlSettings(client: ClientProperties, producer: NativeSettings): NativeSettings {
  const given = client['socket.timeout.ms']
  const timeoutMs = Math.min(CONTROL_TIMEOUT_MS, Number(producer['socket.timeout.ms']))
  return { ...producer, 'statistics.interval.ms': STATISTICS_MS, 'socket.timeout.ms': given ?? timeoutMs }
}

/** The transactions of a native producer, and its identity, which only its statistics contain. */
export class NativeTransactionControl implements TransactionControl {
  readonly #native: NativeProducer
  readonly #clock: Clock
  readonly #calls: NativeCalls
  readonly #transactions: NativeTransactions
  #waiting: ((identity: ProducerIdentity) => void)[] = []

  constructor(native: NativeProducer, clock: Clock, transactionTimeoutMs: number) {
    this.#native = native
    this.#clock = clock
    this.#calls = new NativeCalls(clock)
    this.#transactions = new NativeTransactions({ native, clock, calls: this.#calls, transactionTimeoutMs })
    native.on('event.stats', ({ message }) => this.#readStatistics(message))
  }

  init(): Promise<void> {
    return this.#transactions.init()
  }

  /** Waits for new statistics, since an abort may have changed the identity. */
  identity(): Promise<ProducerIdentity> {
    return new Promise((resolve, reject) => {
      const told = (identity: ProducerIdentity) => {
        timer.cancel()
        resolve(identity)
      }
      const timer = this.#clock.schedule(IDENTITY_MS_MAX, () => {
        this.#waiting = this.#waiting.filter(each => each !== told)
        reject(protocolError(7, 'asking the native client for its producer id', [], 'it tells no statistics'))
      })
      this.#waiting.push(told)
    })
  }

  begin(): Promise<void> {
    return this.#transactions.begin()
  }

  sendOffsets(offsets: readonly OffsetToCommit[], consumer: Consumer): Promise<void> {
    return this.#transactions.sendOffsets(offsets, consumer)
  }

  commit(): Promise<void> {
    return this.#transactions.commit()
  }

  abort(): Promise<void> {
    return this.#transactions.abort()
  }

  close(): Promise<void> {
    this.#transactions.close()
    return this.#calls.whenOver(
      () => new Promise<void>(resolve => this.#native.disconnect(0, () => resolve())),
    )
  }

  #readStatistics(message: string): void {
    if (this.#waiting.length === 0) return
    const { eos } = JSON.parse(message) as NativeStatistics
    // In any other state these are statistics from before the call.
    if (eos?.txn_state !== 'Ready' || eos.producer_id < 0) return
    const identity = { producerId: eos.producer_id, epoch: eos.producer_epoch }
    for (const tell of this.#waiting.splice(0)) tell(identity)
  }
}
