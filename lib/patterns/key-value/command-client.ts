import type { OutgoingRecord } from '../../broker/broker.ts'
import type { Clock } from '../../common/clock.ts'
import type { Random } from '../../common/random.ts'
import { commandHeaders, type Answer } from './key-value-format.ts'
import { isRefused, type RecordSender } from './record-sender.ts'

export interface CommandClientOptions {
  readonly sender: RecordSender
  readonly clock: Clock
  readonly random: Random
}

/** Time after which a command without an answer is sent again, under its id. */
const RESEND_MS = 5_000
const AFTER_ERROR_MS = 100

/**
 * Sends commands to the single writer of a store, each again until its answer comes: the writer carries out
 * one id once, however often it comes.
 */
export class CommandClient {
  readonly #options: CommandClientOptions
  readonly #waiting = new Map<string, (answer: Answer) => void>()

  constructor(options: CommandClientOptions) {
    this.#options = options
  }

  /** Number of commands without an answer. */
  get pending(): number {
    return this.#waiting.size
  }

  /** Takes an answer; those to other processes, and those that come twice, are nobody's. */
  answered(id: string, answer: Answer): void {
    this.#waiting.get(id)?.(answer)
    this.#waiting.delete(id)
  }

  /**
   * Resolves with the answer. Rejects where brokers refuse the command, and with undefined effect when the
   * signal aborts.
   */
  async ask(
    record: Omit<OutgoingRecord, 'headers'>,
    {
      expectedVersion,
      signal,
    }: { readonly expectedVersion: number | undefined; readonly signal: AbortSignal },
  ): Promise<Answer> {
    const id = this.#options.random.uuid()
    const answered = new AbortController()
    let answer: Answer | undefined
    this.#waiting.set(id, given => {
      answer = given
      answered.abort()
    })
    const command = { ...record, headers: commandHeaders({ id, expectedVersion }) }
    const over = AbortSignal.any([signal, answered.signal])
    try {
      while (!over.aborted) await this.#sendOnce(command, over)
      // The answer may have come just before the end of the time.
      if (answer) return answer
      throw signal.reason
    } finally {
      this.#waiting.delete(id)
    }
  }

  /** Sends, and waits for the answer as long as one may be expected. */
  async #sendOnce(command: OutgoingRecord, over: AbortSignal): Promise<void> {
    const { sender, clock } = this.#options
    let pauseMs = RESEND_MS
    try {
      await sender.send(command)
    } catch (error) {
      if (isRefused(error)) throw error
      pauseMs = AFTER_ERROR_MS
    }
    await clock.sleep(pauseMs, over)
  }
}
