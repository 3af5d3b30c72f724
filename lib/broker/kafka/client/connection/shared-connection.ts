import type { Clock } from '../../../../common/clock.ts'
import { closedError } from '../../protocol/protocol-error.ts'
import type { OpenConnection } from './open-connection.ts'

/**
 * One connection for several users at once, made when it is needed and made again when it is lost: who comes
 * while it is being made waits for that one, so that none is left open that nobody knows of.
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

  /** The next user gets another; whoever waits for an answer over this one is told that it is lost. */
  drop(): void {
    this.#open?.connection.close()
    this.#open = undefined
  }

  /** As `drop`, but whoever waits for an answer gets it. */
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
