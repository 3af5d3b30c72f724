import { loadNativeClient } from '../lib/broker/kafka/native/load-client.ts'
import type {
  NativeCallback,
  NativeConsumer,
  NativeError,
  NativeMessage,
  NativePartition,
  NativeProducer,
} from '../lib/broker/kafka/native/native-client.ts'
import type { NativeSettings } from '../lib/broker/kafka/settings/client-settings.ts'
import { isNativeError } from '../lib/broker/kafka/native/classify-error.ts'
import { PARTITIONS } from './input.ts'
import { Stopwatch, type Span } from './stopwatch.ts'

export interface BareLoopOptions {
  readonly brokers: string
  readonly input: string
  readonly output: string
  readonly records: number
  /** Of the group and of the transactions. */
  readonly id: string
  readonly exactlyOnce: boolean
}

/** What the application's benchmarks commit by, too. */
const COMMIT_MS = { exactlyOnce: 100, atLeastOnce: 1000 }
const BATCH_RECORDS = 2000
const CALL_MS = 30_000
const QUEUE_FULL = -184

const shared: NativeSettings = { 'fetch.queue.backoff.ms': 10, 'queued.min.messages': 100_000 }

/**
 * What a program without us would do on the same client: consume, produce, commit. The next `consume` is
 * under way while a batch is produced, which is the fastest form of this loop. Returns what it took from the
 * first record to the last commit.
 */
export async function runBareLoop(options: BareLoopOptions): Promise<Span> {
  const { consumer, producer } = await connectBoth(options)
  const loop = new BareLoop(consumer, producer, options)
  try {
    return await loop.run()
  } finally {
    await call(callback => consumer.disconnect(callback))
    await call(callback => producer.disconnect(1000, callback))
  }
}

async function connectBoth({ brokers, id, exactlyOnce }: BareLoopOptions) {
  const module = await loadNativeClient()
  const consumer = new module.KafkaConsumer({
    ...shared,
    'bootstrap.servers': brokers,
    'group.id': id,
    'enable.auto.commit': false,
    'auto.offset.reset': 'earliest',
  })
  const producer = new module.Producer({
    'bootstrap.servers': brokers,
    'enable.idempotence': true,
    ...(exactlyOnce ? { 'transactional.id': id } : {}),
  })
  for (const client of [consumer, producer])
    await call(callback => client.connect({ allTopics: false, timeout: CALL_MS }, callback))
  producer.setPollInBackground(true)
  consumer.setDefaultConsumeTimeout(10)
  // Marked private in the client, and the only way to a batch without a wait for each of its messages.
  ;(consumer as OnlyFirst).setDefaultIsTimeoutOnlyForFirstMessage(true)
  return { consumer, producer }
}

type OnlyFirst = NativeConsumer & { setDefaultIsTimeoutOnlyForFirstMessage(on: boolean): void }

class BareLoop {
  readonly #consumer: NativeConsumer
  readonly #producer: NativeProducer
  readonly #options: BareLoopOptions
  readonly #offsets = new Map<number, number>()
  #done = 0

  constructor(consumer: NativeConsumer, producer: NativeProducer, options: BareLoopOptions) {
    this.#consumer = consumer
    this.#producer = producer
    this.#options = options
  }

  async run(): Promise<Span> {
    const { input, records, exactlyOnce } = this.#options
    const partitions = Array.from({ length: PARTITIONS }, (_, partition) => partition)
    this.#consumer.incrementalAssign(partitions.map(partition => ({ topic: input, partition, offset: 0 })))
    if (exactlyOnce) await call(callback => this.#producer.initTransactions(CALL_MS, callback))
    if (exactlyOnce) await call(callback => this.#producer.beginTransaction(callback))
    const stopwatch = new Stopwatch()
    let committedMs = performance.now()
    let next = this.#consume()
    while (this.#done < records) {
      const messages = await next
      next = this.#consume()
      for (const message of messages) await this.#forward(message)
      const interval = exactlyOnce ? COMMIT_MS.exactlyOnce : COMMIT_MS.atLeastOnce
      if (performance.now() - committedMs < interval) continue
      await this.#commit()
      committedMs = performance.now()
    }
    await this.#commit()
    const span = stopwatch.span()
    await next
    if (exactlyOnce) await call(callback => this.#producer.abortTransaction(CALL_MS, callback))
    return span
  }

  #consume(): Promise<readonly NativeMessage[]> {
    return call(callback => this.#consumer.consume(BATCH_RECORDS, callback))
  }

  /** A promise only where the queue is full. */
  #forward(message: NativeMessage): Promise<void> | undefined {
    this.#offsets.set(message.partition, message.offset + 1)
    this.#done += 1
    return this.#produced(message) ? undefined : this.#untilProduced(message)
  }

  #produced({ partition, key, value, timestamp }: NativeMessage): boolean {
    try {
      this.#producer.produce(this.#options.output, partition, value, key, timestamp)
      return true
    } catch (error) {
      if (isNativeError(error) && error.code === QUEUE_FULL) return false
      throw error
    }
  }

  async #untilProduced(message: NativeMessage): Promise<void> {
    while (!this.#produced(message)) await new Promise(resolve => setTimeout(resolve, 1))
  }

  async #commit(): Promise<void> {
    const { input, exactlyOnce } = this.#options
    const offsets: NativePartition[] = Array.from(this.#offsets, ([partition, offset]) => ({
      topic: input,
      partition,
      offset,
    }))
    const producer = this.#producer
    if (!exactlyOnce) {
      await call(callback => producer.flush(CALL_MS, callback))
      this.#consumer.commit(offsets)
      return
    }
    await call(callback => producer.sendOffsetsToTransaction(offsets, this.#consumer, CALL_MS, callback))
    await call(callback => producer.commitTransaction(CALL_MS, callback))
    await call(callback => producer.beginTransaction(callback))
  }
}

function call<T>(start: (callback: NativeCallback<T>) => void): Promise<T> {
  return new Promise((resolve, reject) =>
    start((error: NativeError | null | undefined, result: T) => (error ? reject(error) : resolve(result))),
  )
}
