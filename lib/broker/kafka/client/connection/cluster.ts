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

/** The leader of a partition, as the last metadata named it. */
export interface Leader {
  readonly errorCode: number
  /** The leader's node; undefined while none is elected. */
  readonly node: number | undefined
  readonly epoch: number
  readonly topicId: string | undefined
}

/** The error code for a topic or partition that the cluster does not know. */
export const UNKNOWN_TOPIC_OR_PARTITION = 3

/**
 * The metadata of the cluster: brokers, and the leaders of partitions as far as they were asked for. All
 * clients of a broker object share it. It has a connection of its own, since on that of a fetch a request
 * would wait behind a long poll.
 */
export class Cluster {
  readonly #bootstrap: readonly BrokerAddress[]
  readonly #options: ConnectOptions
  #brokers: ReadonlyMap<number, BrokerAddress> = new Map()
  readonly #topics = new Map<string, TopicMetadata>()
  readonly #connection: SharedConnection
  /** Index of the address at which the next connection is tried. */
  #turn = 0
  /** When each address failed last, by the monotonic clock. */
  readonly #failedMs = new Map<string, number>()
  /** Callbacks for when a node has left the cluster or changed its address. */
  readonly #watchers = new Map<number, Set<() => void>>()
  /** Topics that the next request asks for. */
  readonly #asked = new Set<string>()
  #refreshing: Promise<void> | undefined
  #next: Promise<void> | undefined

  /** `brokers`: addresses in the form `host:port,host:port`. */
  constructor(brokers: string, options: ConnectOptions) {
    this.#bootstrap = brokers.split(',').map(address => {
      const colon = address.lastIndexOf(':')
      return { host: address.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(address.slice(colon + 1)) }
    })
    this.#options = options
    this.#connection = new SharedConnection(options.clock, () => this.#connect())
  }

  /**
   * Resolves with a connection to one of the brokers, which the caller must not use. Rejects with
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

  /** The leader of a partition; undefined where its topic was never asked for. */
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
   * Calls `lost` each time that the node has left the cluster or changed its address: its connections may
   * stay open without an answer, since a machine that hangs does not close them. Returns what ends the watch.
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
   * Asks for the leaders of these topics. Calls during a request share the next one. Rejects where no broker
   * answers.
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

  /** The metadata of these topics now, also of those that the broker does not know. Rejects as `ask` does. */
  async describe(topics: readonly string[]): Promise<readonly TopicMetadata[]> {
    return (await this.#ask(topics)).topics
  }

  /** Sends a request that any broker can answer. Rejects where none does, and for a malformed answer. */
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
      // Another broker may give an answer that can be read.
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
    // A broker that lags does not know a new topic yet, so the next request goes to another one.
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
   * The address to connect to, of the known brokers and of the bootstrap list, in turn. An address that has
   * failed is tried after all others, and of several the one that failed first: one that hangs costs seconds.
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

/** A broker's address as a string. */
function nameOf({ host, port }: BrokerAddress): string {
  return `${host}:${port}`
}

/** New metadata of a topic, with the known leader where a broker that lags names one of an earlier epoch. */
function withoutOldNews(fresh: TopicMetadata, known: TopicMetadata): TopicMetadata {
  // Leader epochs start anew in a topic that was created again; only the topic id tells that it was.
  if (fresh.topicId === undefined || fresh.topicId !== known.topicId || fresh.errorCode !== 0) return fresh
  const partitions = new Map(fresh.partitions)
  for (const [partition, { leaderEpoch }] of fresh.partitions) {
    const before = known.partitions.get(partition)
    if (before && before.leaderEpoch > leaderEpoch) partitions.set(partition, before)
  }
  return { ...fresh, partitions }
}
