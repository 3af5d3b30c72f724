import type { Mapper, Predicate } from './functions.ts'

/** How the events of a stream are pushed to channels. */
export interface ChannelsOptions<K, V> {
  /** The topic is `<applicationId>-<name>`; nodes and stores are named after it, too. */
  readonly name: string
  /**
   * The channel of an event: a text of 1 to 200 characters. Default: the record's key. Records without a
   * channel are dropped, and counted.
   */
  readonly channel?: Mapper<K, V, string> | undefined
  /**
   * Whether an event tells an end: it is kept for all of `retentionMs`, and no reader is too slow to get it.
   */
  readonly terminal: Predicate<K, V>
  /**
   * Events of a channel with the same merge key stand for each other: a reader that is too slow gets only the
   * newest of them, and is told which numbers it has missed. Undefined, the default: none stands for the
   * event.
   */
  readonly mergeKey?: Mapper<K, V, string | undefined> | undefined
  /** How long events are kept, milliseconds. Default 24 hours; at least a minute. */
  readonly retentionMs?: number | undefined
  /** Events of a channel that are kept, terminal ones apart. Default 1,000. */
  readonly eventsMax?: number | undefined
  /** Partitions of the topic. Default 4. */
  readonly partitionCount?: number | undefined
}
