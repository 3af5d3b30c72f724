import type { Clock } from '../../../../common/clock.ts'
import { closedError } from '../../protocol/protocol-error.ts'
import type { OpenConnection } from './open-connection.ts'

/**
 * One connection for several users at once, opened when it is needed and opened again when it was lost. Users
 * who come while it is being opened share it, so that no connection is left open without an owner.
 */
export class SharedConnection {
  readonly #clock: Clock
  readonly #connect: () => Promise<OpenConnection>
  #open: OpenConnection | undefined
  #opening: Promise<OpenConnection> | undefined
  #isClosed = false

  constructor(clock: Clock, connect: () => Promise<OpenConnection>) {
    this.#clock = clock
    this.#connect = connect
  }

  get(): Promise<OpenConnection> {
    const open = this.#open
    if (open?.connection.isOpen && this.#clock.monotonicMs() < open.expiresAtMs) return Promise.resolve(open)
    this.drop()
    this.#opening ??= this.#make().finally(() => (this.#opening = undefined))
    return this.#opening
  }

  /** Closes the connection: pending requests reject, and the next user gets another connection. */
  drop(): void {
    this.#open?.connection.close()
    this.#open = undefined
  }

  /** Like `drop`, but pending requests are answered first. */
  retire(): void {
    this.#open?.connection.retire()
    this.#open = undefined
  }

  close(): void {
    this.#isClosed = true
    this.drop()
  }

  async #make(): Promise<OpenConnection> {
    if (this.#isClosed) throw closedError('broker')
    const opened = await this.#connect()
    if (this.#isClosed) {
      opened.connection.close()
      throw closedError('broker')
    }
    this.#open = opened
    return opened
  }
}
