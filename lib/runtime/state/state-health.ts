import { StateDirectoryError } from '../../common/errors/errors.ts'

/** Wipes in a row after damage: it comes from the disk, and after one wipe in vain would come for ever. */
const DAMAGES_MAX = 1
/** Wipes in a row after a misfit: the state may fit again, where somebody works on the topics. */
const MISFITS_MAX = 4

/**
 * The health of one task's state, known for as long as the directory is open, longer than any thread: whether
 * it has to be wiped before it is opened again, and how often in a row that was needed.
 */
export class StateHealth {
  readonly what: string
  readonly #path: string
  #reason: Error | undefined
  #isDamaged = false
  #wipes = 0

  /** `what`: the task in messages, as `task 0_1`. */
  constructor(what: string, path: string) {
    this.what = what
    this.#path = path
  }

  /** The error for which the files must be removed before they are opened again. */
  get reason(): Error | undefined {
    return this.#reason
  }

  /** Notes that the files hold something else than was written. */
  damaged(error: Error): void {
    this.#reason ??= error
    this.#isDamaged = true
  }

  /** Notes that the files are good, but their content does not belong to its topics any more. */
  unfit(error: Error): void {
    this.#reason ??= error
  }

  /** Notes that the restored state has carried a commit. */
  committed(): void {
    this.#wipes = 0
  }

  /** Counts a removal of the files. Throws `STATE_CORRUPTED` where the last ones were in vain. */
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
