import { StateDirectoryError } from '../../common/errors/errors.ts'

/** Damage comes from the disk: a second time in a row, it would come for ever. */
const DAMAGES_MAX = 1
/** What does not fit its topic any more may do so again, where somebody works on the topics. */
const MISFITS_MAX = 4

/**
 * What is known of the state of one task for as long as the directory is open, longer than any thread:
 * whether it has to be wiped before it is opened again, and how often in a row that was needed.
 */
export class StateHealth {
  readonly what: string
  readonly #path: string
  #reason: Error | undefined
  #isDamaged = false
  #wipes = 0

  /** `what`: for messages, `task 0_1`. */
  constructor(what: string, path: string) {
    this.what = what
    this.#path = path
  }

  /** Why the files must be removed before they are opened again. */
  get reason(): Error | undefined {
    return this.#reason
  }

  /** The files hold something else than was written. */
  damaged(error: Error): void {
    this.#reason ??= error
    this.#isDamaged = true
  }

  /** The files are well, but what they hold does not belong to its topics any more. */
  unfit(error: Error): void {
    this.#reason ??= error
  }

  /** What was restored has carried a commit. */
  committed(): void {
    this.#wipes = 0
  }

  /** The files are about to be removed. Throws `STATE_CORRUPTED` where that was in vain the last times. */
  wiping(reason: Error): void {
    if (this.#wipes >= (this.#isDamaged ? DAMAGES_MAX : MISFITS_MAX)) {
      throw new StateDirectoryError(
        'STATE_CORRUPTED',
        `the state of ${this.what} in "${this.#path}" was rebuilt, and cannot be used again before anything was committed: ` +
          `${reason.message}. Look at the disk, then remove the directory, or name another stateDir: state is restored from its changelogs`,
        { cause: reason },
      )
    }
    this.#wipes += 1
  }

  wiped(): void {
    this.#reason = undefined
    this.#isDamaged = false
  }
}
