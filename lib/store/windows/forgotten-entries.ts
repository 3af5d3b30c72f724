/**
 * Which entries the store below a cache has forgotten, where the cache keeps them longer than retention does,
 * as that of Kafka Streams keeps sessions. They are found and joined all the same, but what the store below
 * does not have has no old value: taking it back is nothing that has happened.
 */
export class ForgottenEntries {
  readonly #retentionMs: number
  #latestMs: number

  /** `latestMs`: the latest time that the store has, −1 where it has none. */
  constructor(retentionMs: number, latestMs: number) {
    this.#retentionMs = retentionMs
    this.#latestMs = latestMs
  }

  /** Asked when a change leaves the cache: what it holds back is no sign of time for the store below. */
  covers(timeMs: number): boolean {
    return timeMs <= this.#latestMs - this.#retentionMs
  }

  /** A change of this time has reached the store below. */
  reached(timeMs: number): void {
    if (timeMs > this.#latestMs) this.#latestMs = timeMs
  }
}
