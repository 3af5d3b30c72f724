import type {
  NativeCallback,
  NativeError,
  NativeProducer,
} from '../../lib/broker/kafka/native/native-client.ts'
import type { ProducerIdentity } from '../../lib/broker/kafka/client/produce/outgoing-batch.ts'
import type { Clock } from '../../lib/common/clock.ts'
import type { FakeLogCluster } from './fake-log-cluster.ts'

const TIMED_OUT = -185
const CONFLICT = -173
const STATISTICS_MS = 100

type Call = 'init' | 'offsets' | 'commit' | 'abort'

/** What was asked of the coordinator, and goes on however often the caller is told that it took too long. */
interface Pending {
  readonly call: Call
  readonly answer: Promise<number>
}

/**
 * The native client where its coordinator is a node of the fake cluster: each call waits for that node, is
 * told after its time that it may be made again, and refuses another one meanwhile, as librdkafka does.
 */
export class FakeNativeProducer {
  readonly #fake: FakeLogCluster
  readonly #clock: Clock
  #identity: ProducerIdentity | undefined
  #pending: Pending | undefined
  #isClosed = false
  #notify: ((stats: { readonly message: string }) => void) | undefined

  constructor(fake: FakeLogCluster, clock: Clock) {
    this.#fake = fake
    this.#clock = clock
  }

  /** For whoever takes a native client; what is not here is not used. */
  get asNative(): NativeProducer {
    return this as unknown as NativeProducer
  }

  on(event: string, listener: (stats: { readonly message: string }) => void): void {
    if (event !== 'event.stats') return
    this.#notify = listener
    this.#tell()
  }

  setPollInBackground(): void {
    // There is nothing to be polled.
  }

  initTransactions(timeoutMs: number, callback: NativeCallback): void {
    this.#call('init', timeoutMs, callback, () => {
      this.#identity = this.#fake.transactions!.init()
      return 0
    })
  }

  beginTransaction(callback: NativeCallback): void {
    callback(null, undefined)
  }

  sendOffsetsToTransaction(
    [first]: readonly { readonly offset?: number }[],
    _consumer: unknown,
    timeoutMs: number,
    callback: NativeCallback,
  ): void {
    this.#call('offsets', timeoutMs, callback, epoch =>
      this.#fake.transactions!.offset(epoch, first!.offset!),
    )
  }

  commitTransaction(timeoutMs: number, callback: NativeCallback): void {
    this.#call('commit', timeoutMs, callback, epoch => this.#fake.transactions!.end('commit', epoch))
  }

  abortTransaction(timeoutMs: number, callback: NativeCallback): void {
    this.#call('abort', timeoutMs, callback, epoch => this.#fake.transactions!.end('abort', epoch))
  }

  disconnect(_flushMs: number, callback: NativeCallback): void {
    this.#isClosed = true
    callback(null, undefined)
  }

  #call(call: Call, timeoutMs: number, callback: NativeCallback, work: (epoch: number) => number): void {
    if (this.#pending && this.#pending.call !== call) return callback(nativeError(CONFLICT), undefined)
    const pending = (this.#pending ??= { call, answer: this.#ask(call, work) })
    let isOver = false
    const end = (code: number) => {
      if (isOver) return
      isOver = true
      timer.cancel()
      if (code !== TIMED_OUT) this.#pending = undefined
      callback(code === 0 ? null : nativeError(code), undefined)
    }
    const timer = this.#clock.schedule(timeoutMs, () => end(TIMED_OUT))
    void pending.answer.then(end)
  }

  async #ask(call: Call, work: (epoch: number) => number): Promise<number> {
    this.#fake.onRequest(call)
    await this.#fake.awake(this.#fake.coordinator)
    // Who has disconnected does not ask any more.
    return this.#isClosed ? TIMED_OUT : work(this.#identity?.epoch ?? -1)
  }

  #tell(): void {
    if (this.#isClosed) return
    const { producerId = -1, epoch = -1 } = this.#identity ?? {}
    const eos = { txn_state: 'Ready', producer_id: producerId, producer_epoch: epoch }
    this.#notify!({ message: JSON.stringify({ eos }) })
    this.#clock.schedule(STATISTICS_MS, () => this.#tell())
  }
}

function nativeError(code: number): NativeError {
  return Object.assign(new Error(code === TIMED_OUT ? 'timed out' : `error ${code}`), { code })
}
