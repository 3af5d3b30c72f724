import { Buffer } from 'node:buffer'
import { asBuffer, concatBytes, equalBytes, utf8 } from '../../common/bytes.ts'
import { systemRandom } from '../../common/random.ts'
import type { PendingStore } from '../../store/operator/pending-store.ts'

/** What this process marks its stores with. */
const PROCESS = utf8(systemRandom.uuid())
/** Behind it in a mark: how many suspects are left, for whoever goes on after an abort. */
const LEFT_BYTES = 4

/** From so many on an input is not called at once, and from so many on not at all. */
const DELAYED_FROM = 4
const GIVEN_UP_FROM = 7

/** What is done about an input that is to be called. */
export type GuardDecision = 'call' | 'delay' | 'give-up'

/**
 * Finds the input whose call ends the process (memory, an endless loop), which no call can tell of: a process
 * puts its mark into the store before its first call, and takes it away when it leaves cleanly. Where the
 * mark of another one is there, that one was ended, by one of the inputs that were open then. They, and as
 * many as there may have been beside them that no commit has seen, are called alone, each after a
 * commit that counts it.
 *
 * Faults: a process that is fenced, or loses its task, leaves its mark as well; what is counted then for
 * nothing begins anew with each call that ends.
 */
export class CrashGuard {
  readonly #store: PendingStore
  readonly #requestCommit: () => void
  /** Inputs that are still to be called alone. */
  #suspects: number
  /** How many of them are inputs that no commit has seen, and are still to come. */
  #newSuspects: number
  #isMarked: boolean

  /**
   * `found`: inputs that were there and may have been called; `openMax`: how many may be called at a time.
   */
  constructor(
    store: PendingStore,
    options: { readonly openMax: number; readonly found: number; readonly requestCommit: () => void },
  ) {
    this.#store = store
    this.#requestCommit = options.requestCommit
    const left = leftOf(store.mark)
    this.#isMarked = left !== undefined
    const isClean = store.mark === null || left === 0
    this.#newSuspects = isClean ? 0 : options.openMax
    this.#suspects = isClean ? 0 : options.found + options.openMax
  }

  /** Whether there are suspects still. */
  get isSuspicious(): boolean {
    return this.#suspects > 0
  }

  /** Whether an input that comes now is one of those that may have been there before. */
  suspectsNew(): boolean {
    if (this.#newSuspects === 0) return false
    this.#newSuspects -= 1
    return true
  }

  /** Whether calls may be made. If not, `then` is called when they may: the mark is committed first. */
  mayCall(then: () => void): boolean {
    if (this.#isMarked) return true
    if (leftOf(this.#store.mark) !== undefined) return false
    this.#store.mark = markOf(this.#suspects)
    this.#store.afterCommit(() => {
      this.#isMarked = true
      then()
    })
    this.#requestCommit()
    return false
  }

  /** `interruptions`: how many processes in a row were ended while the input was open. */
  decide({
    interruptions,
    isDelayed,
  }: {
    readonly interruptions: number
    readonly isDelayed: boolean
  }): GuardDecision {
    if (interruptions >= GIVEN_UP_FROM) return 'give-up'
    return interruptions >= DELAYED_FROM && !isDelayed ? 'delay' : 'call'
  }

  /** Counts the suspect, as `update` writes it, and calls `then` when that is committed. */
  countFirst(update: () => void, then: () => void): void {
    update()
    this.#store.afterCommit(then)
    this.#requestCommit()
  }

  /** A suspect's call has ended, or is not made. */
  passed(): void {
    this.#suspects -= 1
    this.#store.mark = markOf(this.#suspects)
  }

  /** The task leaves, when its next commit has succeeded. */
  leave(): void {
    this.#store.mark = null
  }
}

function markOf(suspects: number): Uint8Array {
  const left = Buffer.alloc(LEFT_BYTES)
  left.writeUInt32BE(suspects, 0)
  return concatBytes(PROCESS, left)
}

/** How many suspects a mark of this process tells of; undefined for that of another one, and for none. */
function leftOf(mark: Uint8Array | null): number | undefined {
  if (mark === null || !equalBytes(mark.subarray(0, -LEFT_BYTES), PROCESS)) return undefined
  return asBuffer(mark).readUInt32BE(PROCESS.length)
}

/** Calls for an input have ended the process again and again. */
export class InterruptedError extends Error {
  override readonly name = 'InterruptedError'

  constructor(interruptions: number) {
    super(`${interruptions} processes in a row were ended while a call for this record was under way`)
  }
}
