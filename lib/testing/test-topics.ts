import type { Header } from '../common/headers.ts'
import { Headers } from '../common/headers.ts'
import type { OutgoingRecord } from '../broker/broker.ts'
import { StreamsError } from '../common/errors/errors.ts'
import type { Serde } from '../serde/serde.ts'

/** A record as tests write and read it. */
export interface TestRecord<K, V> {
  readonly key: K
  readonly value: V
  readonly timestamp: number
  readonly headers: readonly Header[]
}

export interface TestTopicSerdes<K, V> {
  readonly keySerde: Serde<K>
  readonly valueSerde: Serde<V>
}

export interface PipeOptions {
  /**
   * A whole number; below 0 it is an invalid one. Default: the input topic's `startMs`, plus what
   * `autoAdvanceMs` and `advanceTime` have added.
   */
  readonly timestamp?: number
  readonly headers?: readonly Header[]
}

/** Feeds one topic of a driver. */
export class TestInputTopic<K, V> {
  readonly #pipe: (record: OutgoingRecord) => void
  readonly #topic: string
  readonly #serdes: TestTopicSerdes<K, V>
  readonly #autoAdvanceMs: number
  #nextTimestamp: number

  constructor(
    topic: string,
    serdes: TestTopicSerdes<K, V>,
    times: { readonly startMs: number; readonly autoAdvanceMs: number },
    pipe: (record: OutgoingRecord) => void,
  ) {
    this.#topic = topic
    this.#serdes = serdes
    this.#nextTimestamp = times.startMs
    this.#autoAdvanceMs = times.autoAdvanceMs
    this.#pipe = pipe
  }

  /**
   * Processes the record, and all that follows from it, before it returns.
   * @example
   * ```ts
   * const clicks = driver.createInputTopic('clicks', {
   *   keySerde: serdes.string(),
   *   valueSerde: serdes.json<number>(),
   * })
   * clicks.pipeInput('ada', 1, { timestamp: 60_000 })
   * ```
   */
  pipeInput(key: K | null, value: V | null, options: PipeOptions = {}): void {
    const headers = new Headers(options.headers)
    const context = { topic: this.#topic, headers }
    const keyBytes = key === null ? null : this.#serdes.keySerde.serialize(key, context)
    const valueBytes = value === null ? null : this.#serdes.valueSerde.serialize(value, context)
    this.#pipe({
      topic: this.#topic,
      partition: 0,
      key: keyBytes,
      value: valueBytes,
      timestamp: options.timestamp ?? this.#nextTimestamp,
      // Headers that a serde has added are among them.
      headers: headers.toArray(),
    })
    if (options.timestamp === undefined) this.#nextTimestamp += this.#autoAdvanceMs
  }

  advanceTime(ms: number): void {
    this.#nextTimestamp += ms
  }
}

/** Reads what a driver's topology wrote to one topic, in order, each record once. */
export class TestOutputTopic<K, V> {
  readonly #take: () => OutgoingRecord | undefined
  readonly #size: () => number
  readonly #topic: string
  readonly #serdes: TestTopicSerdes<K, V>

  constructor(
    topic: string,
    serdes: TestTopicSerdes<K, V>,
    source: { readonly take: () => OutgoingRecord | undefined; readonly size: () => number },
  ) {
    this.#topic = topic
    this.#serdes = serdes
    this.#take = source.take
    this.#size = source.size
  }

  get size(): number {
    return this.#size()
  }

  get isEmpty(): boolean {
    return this.size === 0
  }

  /** Throws `NO_RECORD` where there is none left. */
  readRecord(): TestRecord<K | null, V | null> {
    const record = this.#take()
    if (!record) throw new StreamsError('NO_RECORD', `there is no record left in topic "${this.#topic}"`)
    const { key, value, timestamp, headers } = record
    const context = { topic: this.#topic, headers: new Headers(headers) }
    return {
      key: key === null ? null : this.#serdes.keySerde.deserialize(key, context),
      value: value === null ? null : this.#serdes.valueSerde.deserialize(value, context),
      timestamp,
      headers,
    }
  }

  readValue(): V | null {
    return this.readRecord().value
  }

  readKeyValue(): readonly [K | null, V | null] {
    const { key, value } = this.readRecord()
    return [key, value]
  }

  readRecords(): TestRecord<K | null, V | null>[] {
    const records: TestRecord<K | null, V | null>[] = []
    while (!this.isEmpty) records.push(this.readRecord())
    return records
  }

  readKeyValues(): (readonly [K | null, V | null])[] {
    return this.readRecords().map(({ key, value }) => [key, value] as const)
  }
}
