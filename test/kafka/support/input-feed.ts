import { Buffer } from 'node:buffer'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Broker, Producer } from '../../../lib/broker/broker.ts'
import { partitionForKey } from '../../../lib/common/hash/murmur2.ts'

export type FedRecord = readonly [key: string, value: string, timestamp: number]

export interface FeedOptions {
  readonly topic: string
  readonly partitionCount: number
  readonly recordsPerSecond: number
  /** The n-th record, from 0; undefined: that was all. */
  readonly record: (at: number) => FedRecord | undefined
}

const STEP_MS = 20

/** Input that flows while other things happen. */
export class InputFeed {
  readonly #options: FeedOptions
  readonly #producer: Producer
  readonly #done: Promise<void>
  #sent = 0
  #stopped = false

  private constructor(producer: Producer, options: FeedOptions) {
    this.#producer = producer
    this.#options = options
    this.#done = this.#run()
    // Whoever stops it hears of it; until then it is nobody's.
    this.#done.catch(() => undefined)
  }

  static async start(broker: Broker, options: FeedOptions): Promise<InputFeed> {
    return new InputFeed(await broker.producer({ clientId: 'test-feed' }), options)
  }

  /** Records sent so far. */
  get sent(): number {
    return this.#sent
  }

  /** Resolves with how many records there are, all acknowledged, once the last has been sent. */
  async ended(): Promise<number> {
    await this.#done
    return this.#sent
  }

  stop(): Promise<number> {
    this.#stopped = true
    return this.ended()
  }

  async #run(): Promise<void> {
    const startMs = performance.now()
    while (!this.#stopped) {
      const due = Math.floor(((performance.now() - startMs) * this.#options.recordsPerSecond) / 1000)
      while (this.#sent < due && !this.#stopped) this.#send()
      await sleep(STEP_MS)
    }
    await this.#producer.flush()
    await this.#producer.close()
  }

  #send(): void {
    const { topic, partitionCount, record } = this.#options
    const next = record(this.#sent)
    if (!next) {
      this.#stopped = true
      return
    }
    const [key, value, timestamp] = next
    const bytes = Buffer.from(key)
    const partition = partitionForKey(bytes, partitionCount)
    this.#producer.send({ topic, partition, key: bytes, value: Buffer.from(value), timestamp, headers: [] })
    this.#sent += 1
  }
}
