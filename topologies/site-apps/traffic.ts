import { errorFrom, type Clock, type Logger, type Random, type Timer } from 'millrace'
import { changeSite } from './demo-sites.ts'
import type { InstalledApp, SiteMetadata } from './records.ts'

export const RATE = { fallback: 0, least: 0, most: 1000 }

const TICK_MS = 50

export interface TrafficParts {
  readonly write: (siteId: string, site: SiteMetadata | null) => Promise<void>
  /** What the views say a site has; undefined: there is no such site. */
  readonly appsOf: (siteId: string) => readonly InstalledApp[] | undefined
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
}

/**
 * Plays the owner of the sites: changes of sites at a rate, 0 at first, so that there is something to see.
 */
export class Traffic implements Disposable {
  readonly #parts: TrafficParts
  /** Newer than the views, which follow. Bounded: the demo has 200 sites. */
  readonly #written = new Map<string, readonly InstalledApp[] | undefined>()
  #perSecond = 0
  #due = 0
  #timer: Timer | undefined
  #isWriting = false

  constructor(parts: TrafficParts) {
    this.#parts = parts
  }

  get perSecond(): number {
    return this.#perSecond
  }

  set perSecond(rate: number) {
    this.#perSecond = rate
    this.#due = 0
    this.#timer?.cancel()
    this.#timer = rate > 0 ? this.#schedule() : undefined
  }

  [Symbol.dispose](): void {
    this.perSecond = 0
  }

  #schedule(): Timer {
    return this.#parts.clock.schedule(TICK_MS, () => {
      this.#timer = this.#schedule()
      this.#due = Math.min(this.#due + (this.#perSecond * TICK_MS) / 1000, this.#perSecond)
      if (!this.#isWriting) void this.#writeDue()
    })
  }

  /** Slower than asked for where the broker is: what is under way is waited for. */
  async #writeDue(): Promise<void> {
    this.#isWriting = true
    try {
      const writes: Promise<void>[] = []
      for (; this.#due >= 1; this.#due -= 1) writes.push(this.#writeOne())
      await Promise.all(writes)
    } catch (reason) {
      this.#parts.logger.log('warn', `the traffic stops: ${errorFrom(reason).message}`)
      this.perSecond = 0
    } finally {
      this.#isWriting = false
    }
  }

  async #writeOne(): Promise<void> {
    const { random, appsOf, write } = this.#parts
    const latest = (siteId: string) =>
      this.#written.has(siteId) ? this.#written.get(siteId) : appsOf(siteId)
    const [siteId, site] = changeSite(below => Math.floor(random.next() * below), latest)
    this.#written.set(siteId, site?.apps)
    await write(siteId, site)
  }
}
