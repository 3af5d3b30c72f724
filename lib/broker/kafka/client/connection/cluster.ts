import { errorFrom } from '../../../../common/errors/errors.ts'
import { BrokerError } from '../../../broker-error.ts'
import type { ByteReader } from '../../protocol/byte-reader.ts'
import type { ByteWriter } from '../../protocol/byte-writer.ts'
import { MalformedError } from '../../protocol/malformed-error.ts'
import { readMetadata, writeMetadataRequest } from '../../protocol/metadata.ts'
import type { BrokerAddress, Metadata, TopicMetadata } from '../../protocol/metadata.ts'
import { openConnection, type ConnectOptions, type OpenConnection } from './open-connection.ts'
import { type Api, commonVersion, METADATA } from '../../protocol/protocol.ts'
import { malformedError } from '../../protocol/protocol-error.ts'
import { SharedConnection } from './shared-connection.ts'

/** What the cluster last said of one partition. */
export interface Leader {
  readonly errorCode: number
  /** Undefined while none is elected. */
  readonly node: number | undefined
  readonly epoch: number
  readonly topicId: string | undefined
}

/** Of topics and partitions that the cluster does not know. */
export const UNKNOWN_TOPIC_OR_PARTITION = 3

/**
 * Who leads which partition, as far as it was asked for; one for all clients of a broker object. Its one
 * connection is not that of a fetch, where a question would wait behind a long poll.
 */
export class Cluster {
  readonly #bootstrap: readonly BrokerAddress[]
  readonly #options: ConnectOptions
  #brokers: ReadonlyMap<number, BrokerAddress> = new Map()
  readonly #topics = new Map<string, TopicMetadata>()
  readonly #connection: SharedConnection
  /** Where the next connection is tried. */
  #turn = 0
  /** When an address last did not do what it should, of the monotonic clock. */
  readonly #failedMs = new Map<string, number>()
  /** Told when a node is not where it was. */
  readonly #watchers = new Map<number, Set<() => void>>()
  /** Topics of the next question, and who waits for its answer. */
  readonly #asked = new Set<string>()
  #refreshing: Promise<void> | undefined
  #next: Promise<void> | undefined

  /** `brokers`: `host:port,host:port`. */
  constructor(brokers: string, options: ConnectOptions) {
    this.#bootstrap = brokers.split(',').map(address => {
      const colon = address.lastIndexOf(':')
      return { host: address.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(address.slice(colon + 1)) }
    })
    this.#options = options
    this.#connection = new SharedConnection(options.clock, () => this.#connect())
  }

  /**
   * Resolves with a connection to one of them, which is not the caller's to use. Rejects with
   * `UNSUPPORTED_VERSION` where a broker speaks no version of ours, with class `authentication` where those
   * that answer refuse us, and with `BROKER_UNREACHABLE` where none of the addresses answers.
   */
  async check(): Promise<OpenConnection> {
    let refusal: BrokerError | undefined
    let last: unknown
    for (let attempt = 0; attempt < this.#bootstrap.length; attempt += 1) {
      try {
        return await this.#connection.get()
      } catch (reason) {
        last = reason
        const errorClass = reason instanceof BrokerError ? reason.class : undefined
        if (errorClass === 'authentication') refusal ??= reason as BrokerError
        else if (errorClass !== 'retriable') throw reason
      }
    }
    throw refusal ?? last
  }

  /** Undefined where the topic was never asked for. */
  leaderOf(topic: string, partition: number): Leader | undefined {
    const known = this.#topics.get(topic)
    if (!known) return undefined
    const { topicId } = known
    if (known.errorCode !== 0) return { errorCode: known.errorCode, node: undefined, epoch: -1, topicId }
    const found = known.partitions.get(partition)
    if (!found) return { errorCode: UNKNOWN_TOPIC_OR_PARTITION, node: undefined, epoch: -1, topicId }
    const { errorCode, leader, leaderEpoch } = found
    return { errorCode, node: leader < 0 ? undefined : leader, epoch: leaderEpoch, topicId }
  }

  addressOf(node: number): BrokerAddress | undefined {
    return this.#brokers.get(node)
  }

  /**
   * Calls back each time that the cluster does not have the node any more, or has it elsewhere: who waits for
   * its answer may wait for ever, since a machine that stands still keeps its connections. Returns what ends
   * it.
   */
  watch(node: number, lost: () => void): () => void {
    const watchers = this.#watchers.get(node) ?? new Set()
    this.#watchers.set(node, watchers.add(lost))
    return () => {
      watchers.delete(lost)
      if (watchers.size === 0) this.#watchers.delete(node)
    }
  }

  /**
   * Asks anew; questions that come while one is under way share the next. Rejects where no broker answers.
   */
  refresh(topics: Iterable<string>): Promise<void> {
    for (const topic of topics) this.#asked.add(topic)
    if (!this.#refreshing) return this.#start()
    this.#next ??= this.#refreshing.then(
      () => this.#startNext(),
      () => this.#startNext(),
    )
    return this.#next
  }

  /** What a broker says of these topics now, also of those that it does not know. Rejects as `ask`. */
  async describe(topics: readonly string[]): Promise<readonly TopicMetadata[]> {
    return (await this.#ask(topics)).topics
  }

  /** What any broker can answer. Rejects where none does, and where the answer makes no sense. */
  async ask<T>(
    api: Api,
    write: (writer: ByteWriter, version: number) => void,
    read: (reader: ByteReader, version: number) => T,
  ): Promise<T> {
    const { connection, versions } = await this.#connection.get()
    const version = commonVersion(api, versions, connection.address)
    const { controlTimeoutMs } = this.#options.settings
    try {
      const reader = await connection.request(api, version, controlTimeoutMs, writer =>
        write(writer, version),
      )
      const answer = read(reader, version)
      this.#failedMs.delete(connection.address)
      return answer
    } catch (reason) {
      // Another broker may know better.
      connection.close()
      this.#failed(connection.address)
      if (!(reason instanceof MalformedError)) throw reason
      throw malformedError(`${connection.address}: ${api.name}: ${reason.message}`, reason)
    }
  }

  close(): void {
    this.#connection.close()
  }

  #startNext(): Promise<void> {
    this.#next = undefined
    return this.#start()
  }

  #start(): Promise<void> {
    const topics = [...this.#asked]
    this.#asked.clear()
    const running = this.#ask(topics)
      .then(() => undefined)
      .finally(() => {
        if (this.#refreshing === running) this.#refreshing = undefined
      })
    this.#refreshing = running
    return running
  }

  async #ask(topics: readonly string[]): Promise<Metadata> {
    const metadata = await this.ask(
      METADATA,
      (writer, version) => writeMetadataRequest(writer, version, topics),
      readMetadata,
    )
    this.#learn(metadata)
    return metadata
  }

  #learn({ brokers, topics }: Metadata): void {
    if (brokers.size > 0) this.#learnBrokers(brokers)
    for (const topic of topics) {
      const known = this.#topics.get(topic.topic)
      this.#topics.set(topic.topic, known ? withoutOldNews(topic, known) : topic)
    }
    // A broker may not have heard of a topic yet, for as long as it lags: the next question goes to another.
    const isAnyUnknown = topics.some(({ errorCode }) => errorCode === UNKNOWN_TOPIC_OR_PARTITION)
    if (isAnyUnknown && brokers.size > 1) this.#connection.retire()
  }

  #learnBrokers(brokers: ReadonlyMap<number, BrokerAddress>): void {
    const before = this.#brokers
    this.#brokers = brokers
    for (const [node, address] of before) {
      const now = brokers.get(node)
      if (now && nameOf(now) === nameOf(address)) continue
      for (const lost of [...(this.#watchers.get(node) ?? [])]) lost()
    }
  }

  #failed(address: string): void {
    this.#failedMs.set(address, this.#options.clock.monotonicMs())
  }

  async #connect(): Promise<OpenConnection> {
    // The brokers that are known now, and the addresses given at first: all of the former may have moved.
    const address = this.#nextAddress()
    const opened = await openConnection(address, this.#options).catch((reason: unknown) => {
      this.#failed(nameOf(address))
      throw reason
    })
    try {
      commonVersion(METADATA, opened.versions, opened.connection.address)
    } catch (reason) {
      opened.connection.close()
      throw errorFrom(reason)
    }
    return opened
  }

  /**
   * In turn; but one that has failed only when all have, the longest ago first: one that stands still costs
   * seconds each time.
   */
  #nextAddress(): BrokerAddress {
    const byName = new Map([...this.#brokers.values(), ...this.#bootstrap].map(each => [nameOf(each), each]))
    const names = [...byName.keys()]
    const inTurn = names.map((_, step) => names[(this.#turn + step) % names.length]!)
    this.#turn += 1
    const failedMs = (name: string) => this.#failedMs.get(name) ?? -Infinity
    const best = inTurn.reduce((first, name) => (failedMs(name) < failedMs(first) ? name : first))
    return byName.get(best)!
  }
}

/** As connections are named. */
function nameOf({ host, port }: BrokerAddress): string {
  return `${host}:${port}`
}

/** A broker that lags behind may name a leader of an earlier epoch, who would send us back here. */
function withoutOldNews(fresh: TopicMetadata, known: TopicMetadata): TopicMetadata {
  // Without ids a topic that was made anew looks like one whose epochs went back.
  if (fresh.topicId === undefined || fresh.topicId !== known.topicId || fresh.errorCode !== 0) return fresh
  const partitions = new Map(fresh.partitions)
  for (const [partition, { leaderEpoch }] of fresh.partitions) {
    const before = known.partitions.get(partition)
    if (before && before.leaderEpoch > leaderEpoch) partitions.set(partition, before)
  }
  return { ...fresh, partitions }
}
