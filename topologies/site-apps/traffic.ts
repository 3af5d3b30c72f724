import { errorFrom, type Clock, type Logger, type Timer, type TopicHandle } from 'millrace'
import { changeSite } from './demo-sites.ts'
import type { InstalledApp, SiteMetadata } from './records.ts'

export const RATE = { fallback: 0, least: 0, most: 1000 }

const TICK_MS = 50

export interface TrafficParts {
  readonly metadata: TopicHandle<string, SiteMetadata>
  /** What the views say a site has; undefined: there is no such site. */
  readonly appsOf: (siteId: string) => readonly InstalledApp[] | undefined
  readonly clock: Clock
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
    const { metadata, logger } = this.#parts
    const count = Math.floor(this.#due)
    this.#isWriting = true
    this.#due -= count
    try {
      await metadata.sendAll(Array.from({ length: count }, () => this.#change()))
    } catch (reason) {
      logger.log('warn', `the traffic stops: ${errorFrom(reason).message}`)
      this.perSecond = 0
    } finally {
      this.#isWriting = false
    }
  }

  #change(): { readonly key: string; readonly value: SiteMetadata | null } {
    const latest = (siteId: string) =>
      this.#written.has(siteId) ? this.#written.get(siteId) : this.#parts.appsOf(siteId)
    const [key, value] = changeSite(latest)
    this.#written.set(key, value?.apps)
    return { key, value }
  }
}
