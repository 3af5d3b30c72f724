import { systemRandom } from '../../../../common/random.ts'
import { BrokerError } from '../../../broker-error.ts'
import type { Cluster } from './cluster.ts'
import { openConnection, type ConnectOptions, type OpenConnection } from './open-connection.ts'

/**
 * A connection to one node of the cluster, opened when it is needed and opened again when it was lost. It has
 * one user at a time.
 */
export class NodeConnection {
  readonly #node: number
  readonly #cluster: Cluster
  readonly #options: ConnectOptions
  readonly #closing = new AbortController()
  #open: OpenConnection | undefined
  readonly #unwatch: () => void
  #failures = 0

  constructor(node: number, cluster: Cluster, options: ConnectOptions) {
    this.#node = node
    this.#cluster = cluster
    this.#options = options
    this.#unwatch = cluster.watch(node, () => this.#open?.connection.close(this.#gone))
  }

  get isClosed(): boolean {
    return this.#closing.signal.aborted
  }

  /**
   * Does one piece of work over the connection. Where that fails, the connection is dropped, `failed` is
   * called with the reason, and the promise resolves when the next attempt may be made. Where `close` was
   * called meanwhile, `failed` is not.
   */
  async attempt(
    work: (open: OpenConnection) => Promise<void>,
    failed: (reason: unknown) => void,
  ): Promise<void> {
    try {
      await work(await this.#connected())
      this.#failures = 0
    } catch (reason) {
      if (this.isClosed) return
      // The connection may be what is wrong, so the next attempt gets a new one.
      this.#open?.connection.close()
      this.#open = undefined
      failed(reason)
      await this.#backoff()
    }
  }

  close(): void {
    this.#closing.abort()
    this.#unwatch()
    this.#open?.connection.close()
  }

  async #connected(): Promise<OpenConnection> {
    const open = this.#open
    if (open?.connection.isOpen && this.#options.clock.monotonicMs() < open.expiresAtMs) return open
    open?.connection.close()
    const address = this.#cluster.addressOf(this.#node)
    if (!address) {
      throw new BrokerError('BROKER_UNREACHABLE', 'retriable', this.#gone)
    }
    const opened = await openConnection(address, this.#options)
    if (this.isClosed) opened.connection.close()
    this.#open = opened
    return opened
  }

  get #gone(): string {
    return `the cluster has no node ${this.#node} now`
  }

  /**
   * Resolves when the next attempt may be made. The wait doubles with each failure up to a maximum, with
   * jitter, so that clients do not all come back at once.
   */
  #backoff(): Promise<void> {
    const { reconnectBackoffMs, reconnectBackoffMsMax } = this.#options.settings
    const backoffMs = Math.min(reconnectBackoffMsMax, reconnectBackoffMs * 2 ** Math.min(this.#failures, 20))
    this.#failures += 1
    return this.#options.clock.sleep(backoffMs * (0.75 + systemRandom.next() / 2), this.#closing.signal)
  }
}
