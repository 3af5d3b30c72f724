/**
 * Which entries the store below a cache has forgotten, where the cache keeps them longer than retention does,
 * as Kafka Streams' cache keeps sessions. They are found and joined all the same, but have no old value in
 * the store below: so deleting one changes nothing there.
 */
export class ForgottenEntries {
  readonly #retentionMs: number
  #latestMs: number

  /** `latestMs`: the latest time of the store, −1 where it has none. */
  constructor(retentionMs: number, latestMs: number) {
    this.#retentionMs = retentionMs
    this.#latestMs = latestMs
  }

  /**
   * Whether the store below has forgotten entries of this time. Asked when a change leaves the cache: only
   * such changes advance the time of the store below, not those still held.
   */
  covers(timeMs: number): boolean {
    return timeMs <= this.#latestMs - this.#retentionMs
  }

  /** Notes that a change of this time has reached the store below. */
  reached(timeMs: number): void {
    if (timeMs > this.#latestMs) this.#latestMs = timeMs
  }
}
