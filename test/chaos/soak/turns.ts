/**
 * Lets many act at once, or one alone: who acts alone waits for those under way, and whoever comes meanwhile
 * for it.
 */
export class Semaphore {
  readonly #underWay = new Set<Promise<void>>()
  #alone: Promise<void> | undefined

  /** Resolves, or rejects, as `act` does. */
  async take(alone: boolean, act: () => Promise<void>): Promise<void> {
    while (this.#alone) await this.#alone.catch(() => undefined)
    const turn = alone ? Promise.allSettled(this.#underWay).then(act) : act()
    if (alone) this.#alone = turn
    else this.#underWay.add(turn)
    try {
      await turn
    } finally {
      if (alone) this.#alone = undefined
      else this.#underWay.delete(turn)
    }
  }
}
