/**
 * A span of time, in milliseconds since the epoch. The end is excluded in time windows (tumbling, hopping,
 * unlimited) and included in sliding and session windows, as in Kafka Streams.
 */
export interface TimeWindow {
  readonly startMs: number
  readonly endMs: number
}

/** A key in a window: the keys of windowed tables. */
export interface Windowed<K> {
  readonly key: K
  readonly window: TimeWindow
}

/** The end of an unlimited window: the largest `long` of the JVM, which a number holds as 2^63. */
export const UNLIMITED_END_MS = 2 ** 63
