/** Lets reads through, counts those under way, and holds new ones back while it is closed. */
export class ReadGate {
  #underWay = 0
  #closed: { readonly opened: Promise<void>; readonly open: () => void } | undefined
  #quiet: (() => void)[] = []

  async pass<T>(read: () => T | Promise<T>): Promise<T> {
    while (this.#closed) await this.#closed.opened
    this.#underWay += 1
    try {
      return await read()
    } finally {
      this.#underWay -= 1
      if (this.#underWay === 0) for (const resolve of this.#quiet.splice(0)) resolve()
    }
  }

  close(): void {
    if (this.#closed) return
    let open = (): void => undefined
    const opened = new Promise<void>(resolve => (open = resolve))
    this.#closed = { opened, open }
  }

  open(): void {
    const closed = this.#closed
    this.#closed = undefined
    closed?.open()
  }

  /** Resolves when no read is under way any more. */
  async quiet(): Promise<void> {
    if (this.#underWay > 0) await new Promise<void>(resolve => this.#quiet.push(resolve))
  }
}
