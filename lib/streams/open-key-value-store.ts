import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AdminOnDemand } from '../broker/open/admin-on-demand.ts'
import { errorFrom, StreamsError } from '../common/errors/errors.ts'
import { METRIC_GROUPS } from '../common/metrics/metrics.ts'
import { StreamsBuilder } from '../dsl/methods/streams-builder.ts'
import { CommandClient } from '../patterns/key-value/command-client.ts'
import { storeClosed } from '../patterns/key-value/key-value-error.ts'
import { addKeyValueWriter, writerTopics } from '../patterns/key-value/key-value-writer.ts'
import { RecordSender } from '../patterns/key-value/record-sender.ts'
import { RowMap, type RowChange } from '../patterns/key-value/row-map.ts'
import {
  completeStoreOptions,
  type CompleteStoreOptions,
  type TopicStoreOptions,
} from '../patterns/key-value/store-options.ts'
import { storeTopology } from '../patterns/key-value/store-topology.ts'
import { TopicStore, type TopicReader } from '../patterns/key-value/topic-store.ts'
import { createTopic, ensureTopics } from './ensure-topics.ts'
import { KafkaStreams } from './kafka-streams.ts'
import { observable } from './observable.ts'

/**
 * Opens a compacted topic as a map in memory. Resolves when every row is there that was committed at the
 * call. Rejects with `TOPIC_NOT_COMPACTED`, `TOPIC_MISSING`, and what serdes and brokers reject with.
 * @example
 * ```ts
 * const countries = await openKeyValueStore<string, Country>('countries', { broker })
 * await countries.put('CL', { name: 'Chile' })
 * countries.get('CL') // { name: 'Chile' }, in well under a microsecond
 * ```
 */
export async function openKeyValueStore<K = string, V = unknown>(
  topic: string,
  options: TopicStoreOptions<K, V>,
): Promise<TopicStore<K, V>> {
  const store = startKeyValueStore(topic, options)
  try {
    await store.ready
    return store
  } catch (error) {
    await store.close()
    throw error
  }
}

/**
 * As `openKeyValueStore`, but returns at once: for a server that answers 503 until `ready` resolves. Reads
 * before throw `NOT_READY`.
 */
export function startKeyValueStore<K = string, V = unknown>(
  topic: string,
  options: TopicStoreOptions<K, V>,
): TopicStore<K, V> {
  const settings = completeStoreOptions(topic, options)
  const { broker, keySerde, valueSerde, clock, random, writes, writeTimeoutMs } = settings
  const rows = new RowMap<K, V>(topic, keySerde)
  const sender = new RecordSender(broker, `${topic}-store`)
  const commands = writes === 'direct' ? undefined : new CommandClient({ sender, clock, random })
  const host = new KeyValueHost(topic, { settings, rows, commands })
  const changes = observable<RowChange<K, V>>(subscriber => {
    const stops = [
      rows.onChange(change => subscriber.next(change)),
      host.onClose(() => subscriber.complete()),
    ]
    return () => stops.forEach(stop => stop())
  })
  const parts = { topic, keySerde, valueSerde, rows, sender, commands, clock, writeTimeoutMs }
  return new TopicStore<K, V>({ ...parts, reader: host, changes })
}

interface HostParts<K, V> {
  readonly settings: CompleteStoreOptions<K, V>
  readonly rows: RowMap<K, V>
  /** Undefined: there is no single writer. */
  readonly commands: CommandClient | undefined
}

/**
 * The applications behind a key-value store: one that reads the topic whole, and a member of the single
 * writer's group. Both are apart from the user's own application, which may read the same topic by its
 * partitions.
 */
class KeyValueHost<K, V> implements TopicReader {
  readonly #topic: string
  readonly #parts: HostParts<K, V>
  readonly #admin: AdminOnDemand
  readonly #partitionCounts = new Map<string, number>()
  readonly #closed = new AbortController()
  readonly #stateDir: string
  readonly #reader: KafkaStreams
  readonly #started: Promise<void>
  #writer: KafkaStreams | undefined
  #closing: Promise<void> | undefined

  constructor(topic: string, parts: HostParts<K, V>) {
    const { settings } = parts
    this.#topic = topic
    this.#parts = parts
    this.#admin = new AdminOnDemand(settings.broker)
    this.#stateDir = settings.stateDir ?? join(tmpdir(), `millrace-store-${settings.random.uuid()}`)
    this.#reader = this.#createReader()
    this.#watch()
    this.#started = this.#start()
    // Whoever asks for `ready` is told.
    this.#started.catch(() => undefined)
  }

  get ready(): Promise<void> {
    return this.#started.then(() => this.#reader.ready)
  }

  async caughtUp(): Promise<void> {
    await this.#reader.caughtUp(this.#topic)
    // A reader that loads the topic anew has everything, and shows it when it runs.
    await this.#reader.ready
  }

  async partitionCount(topic: string): Promise<number> {
    const known = this.#partitionCounts.get(topic)
    if (known !== undefined) return known
    const admin = await this.#admin.get()
    const found = (await admin.describeTopics([topic])).get(topic)
    if (!found) throw new StreamsError('TOPIC_MISSING', `topic "${topic}" does not exist any more`)
    this.#partitionCounts.set(topic, found.partitionCount)
    return found.partitionCount
  }

  /** Returns a function that ends it. */
  onClose(listener: () => void): () => void {
    const { signal } = this.#closed
    signal.addEventListener('abort', listener, { once: true })
    return () => signal.removeEventListener('abort', listener)
  }

  async close(): Promise<void> {
    this.#closing ??= this.#close()
    await this.#closing
  }

  async #close(): Promise<void> {
    this.#closed.abort()
    await this.#started.catch(() => undefined)
    await Promise.all([this.#reader.close(), this.#writer?.close()])
    await this.#admin.close()
    const { settings } = this.#parts
    settings.metrics.remove({ 'key-value-store': this.#topic })
    if (settings.stateDir === undefined) await rm(this.#stateDir, { recursive: true, force: true })
  }

  async #start(): Promise<void> {
    const { commands, settings } = this.#parts
    await this.#ensureTopics()
    if (this.#closed.signal.aborted) return
    // Where the start fails, `ready` says so.
    void this.#reader.start().catch(() => undefined)
    if (!commands || !settings.hostsWriter) return
    this.#writer = this.#createWriter()
    void this.#writer.start().catch((error: unknown) => {
      const message = `the single writer of "${this.#topic}" does not run in this process: ${errorFrom(error).message}`
      if (!this.#closed.signal.aborted) settings.logger.log('error', message)
    })
  }

  async #ensureTopics(): Promise<void> {
    const { settings, commands } = this.#parts
    const { broker, logger, partitionCount: wanted, replicationFactor } = settings
    const admin = await this.#admin.get()
    const found = (await admin.describeTopics([this.#topic])).get(this.#topic)
    const partitionCount = found?.partitionCount ?? wanted
    const config = { 'cleanup.policy': 'compact' }
    if (!found)
      await ensureTopics([{ topic: this.#topic, partitionCount, config }], { broker, admin, logger })
    if (!commands) return
    const between = writerTopics(this.#topic, {
      partitionCount,
      ...(replicationFactor !== undefined && { replicationFactor }),
    })
    const known = await admin.describeTopics(between.map(({ topic }) => topic))
    for (const topic of between) if (!known.has(topic.topic)) await createTopic(topic, admin, logger)
  }

  #createReader(): KafkaStreams {
    const { settings, rows, commands } = this.#parts
    const { keySerde, valueSerde, deserializationErrorHandler } = settings
    const topology = storeTopology({
      topic: this.#topic,
      keySerde,
      valueSerde,
      rows,
      isKept: settings.stateDir !== undefined,
      onAnswer: commands && ((id, answer) => commands.answered(id, answer)),
    })
    const applicationId = `${this.#topic}-store`
    const config = { applicationId, stateDir: this.#stateDir, deserializationErrorHandler }
    return new KafkaStreams(topology, config, settings)
  }

  #createWriter(): KafkaStreams {
    const builder = new StreamsBuilder()
    addKeyValueWriter(builder, this.#topic)
    const config = {
      applicationId: `${this.#topic}-writer`,
      stateDir: this.#stateDir,
      replicationFactor: this.#parts.settings.replicationFactor ?? -1,
    }
    return new KafkaStreams(builder.build(), config, this.#parts.settings)
  }

  #watch(): void {
    const { rows, settings, commands } = this.#parts
    this.#reader.onStateChange(state => {
      if (state === 'running') rows.show()
      if (state === 'error') rows.close(() => storeClosed(this.#topic, this.#reader.error))
    })
    const gauge = (name: string, read: () => number) =>
      settings.metrics.gauge(name, { 'key-value-store': this.#topic }, read, METRIC_GROUPS.own)
    gauge('key-value-store-keys', () => rows.size)
    gauge('key-value-store-bytes', () => rows.sizeBytes)
    gauge('key-value-store-lag', () => this.#lag())
    if (commands) gauge('key-value-commands-pending', () => commands.pending)
  }

  /** −1 while it is not known. */
  #lag(): number {
    return this.#reader.state === 'running' ? (this.#reader.describeStore(this.#topic).lag ?? -1) : -1
  }
}
