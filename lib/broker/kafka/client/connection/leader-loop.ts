import type { Cluster } from './cluster.ts'
import { NodeConnection } from './node-connection.ts'
import type { ConnectOptions, OpenConnection } from './open-connection.ts'

/** The node of a leader, and how to connect to it. */
export interface LeaderConnectionOptions {
  readonly node: number
  readonly cluster: Cluster
  readonly connect: ConnectOptions
}

/** The work of a loop: what its owner does over the connection. */
export interface LeaderWork {
  /** Whether a step would do something now. */
  hasWork(): boolean
  /** One request and its answer. */
  step(open: OpenConnection): Promise<void>
  /** A step has failed, or no connection could be made; the next step follows after a backoff. */
  stepFailed(reason: unknown): void
  /** There is no work left: the next step follows a `kick`. */
  rests?(): void
}

/**
 * Works for the partitions that one node leads, as long as there is work: over one connection, one request at
 * a time. The loop ends synchronously with the check that finds no work, so a later kick is never lost.
 * `close` ends it for good; the failure of a step that this interrupts is not reported.
 */
export class LeaderLoop {
  readonly #work: LeaderWork
  readonly #connection: NodeConnection
  #isRunning = false

  constructor({ node, cluster, connect }: LeaderConnectionOptions, work: LeaderWork) {
    this.#work = work
    this.#connection = new NodeConnection(node, cluster, connect)
  }

  /** Whether the loop looks for more work by itself, and calls `rests` where there is none. */
  get isRunning(): boolean {
    return this.#isRunning
  }

  /** To be called when there may be work. */
  kick(): void {
    if (this.#isRunning || this.#connection.isClosed || !this.#work.hasWork()) return
    this.#isRunning = true
    void this.#run()
  }

  close(): void {
    this.#connection.close()
  }

  async #run(): Promise<void> {
    const work = this.#work
    const connection = this.#connection
    const step = (open: OpenConnection) => work.step(open)
    const failed = (reason: unknown) => work.stepFailed(reason)
    try {
      while (!connection.isClosed && work.hasWork()) await connection.attempt(step, failed)
    } finally {
      this.#isRunning = false
      if (!connection.isClosed) work.rests?.()
    }
  }
}
