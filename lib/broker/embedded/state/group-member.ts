import type { Clock, Timer } from '../../../common/clock.ts'
import type { TopicPartition } from '../../broker.ts'

export interface MemberOptions {
  readonly memberId: string
  readonly clientId: string
  readonly topics: readonly string[]
  readonly sessionTimeoutMs: number
  readonly pollIntervalMsMax: number
}

/** How often within a session the broker looks at a member. */
const CHECKS_PER_SESSION = 3

/**
 * A member as its group sees it. A session ends after checks that all found it silent, not after a time: a
 * process that was busy for longer than the session runs one check when it is free again, and the member has
 * its chance before the next.
 */
export class GroupMember {
  readonly memberId: string
  readonly clientId: string
  readonly topics: ReadonlySet<string>
  /** What the assignor wants it to have. */
  readonly assigned = new Map<string, TopicPartition>()
  /** What it holds: given out, and not yet given back. */
  readonly held = new Map<string, TopicPartition>()
  /** Its assignment may have changed since it looked. */
  changed = true
  /** Its listener is at work: no sign of life is due within the session, only within the poll interval. */
  busy = false
  onChange: (() => void) | undefined
  readonly #options: MemberOptions
  readonly #clock: Clock
  #silentChecks = 0
  #polledMs: number
  #timer: Timer | undefined

  constructor(options: MemberOptions, clock: Clock) {
    this.memberId = options.memberId
    this.clientId = options.clientId
    this.topics = new Set(options.topics)
    this.#options = options
    this.#clock = clock
    this.#polledMs = clock.monotonicMs()
  }

  heartbeat(): void {
    this.#silentChecks = 0
  }

  polled(): void {
    this.#silentChecks = 0
    this.#polledMs = this.#clock.monotonicMs()
  }

  watch(onSilent: () => void): void {
    const delayMs = Math.max(1, this.#options.sessionTimeoutMs / CHECKS_PER_SESSION)
    this.#timer = this.#clock.schedule(delayMs, () => {
      if (!this.busy) this.#silentChecks++
      if (this.#isSilent()) onSilent()
      else this.watch(onSilent)
    })
  }

  unwatch(): void {
    this.#timer?.cancel()
  }

  notify(): void {
    this.changed = true
    this.onChange?.()
  }

  #isSilent(): boolean {
    if (this.#silentChecks > CHECKS_PER_SESSION) return true
    return this.#clock.monotonicMs() - this.#polledMs > this.#options.pollIntervalMsMax
  }
}
