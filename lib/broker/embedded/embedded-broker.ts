import { type Clock, systemClock } from '../../common/clock.ts'
import { type Random, systemRandom } from '../../common/random.ts'
import type { Admin, Broker, Consumer, ConsumerOptions, Producer, ProducerOptions } from '../broker.ts'
import { BrokerState } from './state/broker-state.ts'
import { EmbeddedAdmin } from './embedded-admin.ts'
import { EmbeddedConsumer } from './embedded-consumer.ts'
import { EmbeddedProducer } from './embedded-producer.ts'
import { unknownTopic } from './state/errors.ts'
import { evict } from './requests/group-session.ts'
import { Interceptions, type Interceptor } from './state/interceptions.ts'
import { LevelJournal, openDatabase, storageDamaged } from './log/level-journal.ts'
import { compactNow } from './state/log-cleaner.ts'
import { recover } from './recovery.ts'

export interface EmbeddedBrokerOptions {
  /** Where everything is kept; without it, in memory. One process at a time may open it. */
  readonly directory?: string
  readonly clock?: Clock
  readonly random?: Random
  /** For tests: sees every operation first. */
  readonly interceptor?: Interceptor
  /** Largest record (key, value and headers) of a topic without `max.message.bytes`. Default 1 MiB. */
  readonly recordBytesMax?: number
  /** With a directory: bound on decoded records held in memory for reading. Default 32 MiB. */
  readonly cacheBytesMax?: number
}

/**
 * A broker in this process, for development, tests, demos and small tools: logs, transactions, groups,
 * retention and compaction as the port's contract says. Topics are created explicitly. With a directory, what
 * was acknowledged survives the end of the process at any point; transactions that were open then are aborted
 * at the next opening.
 */
export class EmbeddedBroker implements Broker {
  readonly name: string
  readonly #state: BrokerState

  constructor(name: string, state: BrokerState) {
    this.name = name
    this.#state = state
  }

  async consumer(options: ConsumerOptions): Promise<Consumer> {
    this.#state.assertOpen()
    return new EmbeddedConsumer(this.#state, options)
  }

  async producer(options: ProducerOptions): Promise<Producer> {
    this.#state.assertOpen()
    return new EmbeddedProducer(this.#state, options)
  }

  async admin(): Promise<Admin> {
    this.#state.assertOpen()
    return new EmbeddedAdmin(this.#state)
  }

  /**
   * Makes a member a zombie at once, as the end of its session would: its group goes on without it, and it
   * does not know.
   */
  evict(consumer: Consumer): void {
    if (!(consumer instanceof EmbeddedConsumer)) throw new TypeError('evict needs a consumer of this broker')
    const { groupId, memberId } = consumer.membership()
    if (memberId !== undefined) evict(this.#state, groupId, memberId)
  }

  /** Compacts the topic now, up to its last stable offsets, without waiting for the dirty ratio. */
  async compact(topic: string): Promise<void> {
    this.#state.assertOpen()
    const logs = this.#state.topics.get(topic)?.logs
    if (!logs) throw unknownTopic(topic)
    for (const log of logs) await compactNow(this.#state, log)
    await this.#state.settled()
  }

  async close(): Promise<void> {
    if (this.#state.closed) return
    this.#state.closed = true
    this.#state.retentionTimer?.cancel()
    for (const { timer } of this.#state.transactions.values()) timer?.cancel()
    for (const group of this.#state.groups.values()) {
      for (const member of group.members.values()) member.unwatch()
    }
    await Promise.all(this.#state.cleanings.values())
    await this.#state.journal?.close()
  }
}

/** Opens a broker in memory, or the durable one in `directory`, which is created if need be. */
export async function openEmbeddedBroker(options: EmbeddedBrokerOptions = {}): Promise<EmbeddedBroker> {
  const { directory, clock = systemClock, random = systemRandom, interceptor } = options
  const database = directory === undefined ? undefined : await openDatabase(directory)
  const state = new BrokerState({
    clock,
    random,
    interceptions: new Interceptions(interceptor),
    journal: database && new LevelJournal(database),
    recordBytesMax: options.recordBytesMax ?? 1024 * 1024,
    cacheBytesMax: options.cacheBytesMax ?? 32 * 1024 * 1024,
  })
  if (database) {
    try {
      await recover(state, database)
    } catch (reason) {
      await database.close()
      throw storageDamaged(database.location, reason)
    }
  }
  return new EmbeddedBroker(database ? 'embedded' : 'memory', state)
}
