import type { Broker } from '../../broker/broker.ts'
import { systemClock, type Clock } from '../../common/clock.ts'
import { ConfigError } from '../../common/errors/errors.ts'
import { consoleLogger, type Logger } from '../../common/logger.ts'
import { Metrics } from '../../common/metrics/metrics.ts'
import { systemRandom, type Random } from '../../common/random.ts'
import { failOnError, type DeserializationErrorHandler } from '../../processor/error-handlers.ts'
import type { Serde } from '../../serde/serde.ts'
import { serdes } from '../../serde/serdes.ts'
import { WRITE_TIMEOUT_MS_MAX } from './key-value-writer.ts'

export interface TopicStoreOptions<K, V> {
  /** Broker of the topic. It stays open when the store closes. */
  readonly broker: Broker
  /** Default `serdes.string()`. */
  readonly keySerde?: Serde<K>
  /** Default `serdes.json()`. */
  readonly valueSerde?: Serde<V>
  /**
   * `direct` (default): whoever writes a key last has the last word. `single-writer`: all writes are commands
   * to one writer, so that they can expect a version; then nothing else may write the topic, and every
   * process must open it so.
   */
  readonly writes?: 'direct' | 'single-writer'
  /**
   * Whether this process takes part in the work of the single writer. At least one process must, or run
   * `addKeyValueWriter` in a topology of its own. Default true.
   */
  readonly hostsWriter?: boolean
  /**
   * Directory for a snapshot, with which the next start begins; one process at a time. A snapshot that is
   * damaged, of another topic, or older than half of `delete.retention.ms` is removed, and all is read.
   * Default: none, all of the topic is read at each start.
   */
  readonly stateDir?: string
  /** Partitions of the topic where a broker in this process has to make it. Default 1. */
  readonly partitionCount?: number
  /** Copies of the topics of commands and answers. Default: the brokers'. */
  readonly replicationFactor?: number
  /** Longest time for a write. Default 30,000, at most 150,000. */
  readonly writeTimeoutMs?: number
  /** Asked about a row that cannot be read; with `continue` the key keeps its older row. Default: fail. */
  readonly deserializationErrorHandler?: DeserializationErrorHandler
  readonly clock?: Clock
  readonly random?: Random
  readonly logger?: Logger
  /** Default: a registry of its own. */
  readonly metrics?: Metrics
}

export type CompleteStoreOptions<K, V> = Required<
  Omit<TopicStoreOptions<K, V>, 'stateDir' | 'replicationFactor'>
> &
  Pick<TopicStoreOptions<K, V>, 'stateDir' | 'replicationFactor'>

const WRITE_TIMEOUT_MS = 30_000

/** The options with their defaults. Throws `INVALID_SETTING`. */
export function completeStoreOptions<K, V>(
  topic: string,
  options: TopicStoreOptions<K, V>,
): CompleteStoreOptions<K, V> {
  const { clock = systemClock, writes = 'direct', writeTimeoutMs = WRITE_TIMEOUT_MS } = options
  const wrong = (name: string, value: unknown, must: string) =>
    new ConfigError('INVALID_SETTING', `store "${topic}": ${name} is ${String(value)}: it must be ${must}`)
  if (writes !== 'direct' && writes !== 'single-writer')
    throw wrong('writes', writes, `'direct' or 'single-writer'`)
  if (!(
    Number.isSafeInteger(writeTimeoutMs) &&
    writeTimeoutMs >= 1 &&
    writeTimeoutMs <= WRITE_TIMEOUT_MS_MAX
  ))
    throw wrong('writeTimeoutMs', writeTimeoutMs, `a whole number from 1 to ${WRITE_TIMEOUT_MS_MAX}`)
  return {
    keySerde: serdes.string() as Serde<unknown> as Serde<K>,
    valueSerde: serdes.json<V>(),
    hostsWriter: true,
    partitionCount: 1,
    deserializationErrorHandler: failOnError,
    random: systemRandom,
    logger: consoleLogger('info'),
    metrics: new Metrics({ clock }),
    ...options,
    clock,
    writes,
    writeTimeoutMs,
  }
}
