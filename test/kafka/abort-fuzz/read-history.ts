import { crc32c } from '@node-rs/crc32'
import type { Broker, Consumer, TopicPartition } from '../../../lib/broker/broker.ts'
import { partitionKey } from '../../../lib/common/ids.ts'
import { eventually } from '../../support/eventually.ts'
import type { History } from './write-history.ts'

/** How a reader goes about it: what cuts the log into fetches, and fetches into polls. */
export interface ReadingOptions {
  readonly queuedBytesMax: number
  readonly pollRecords: number
  /** By partition; 0 where it is missing. */
  readonly from?: ReadonlyMap<number, number>
}

/** One line a record, by partition: offset, timestamp and checksum of the value. */
export type Reading = ReadonlyMap<number, readonly string[]>

/** A reader that can be asked again when more was written. */
export class HistoryReader {
  readonly #consumer: Consumer
  readonly #places: readonly TopicPartition[]
  readonly #pollRecords: number
  readonly #lines = new Map<number, string[]>()

  private constructor(consumer: Consumer, places: readonly TopicPartition[], pollRecords: number) {
    this.#consumer = consumer
    this.#places = places
    this.#pollRecords = pollRecords
    for (const { partition } of places) this.#lines.set(partition, [])
  }

  static async open(
    broker: Broker,
    { topic, partitionCount }: Pick<History, 'topic' | 'partitionCount'>,
    { queuedBytesMax, pollRecords, from }: ReadingOptions,
  ): Promise<HistoryReader> {
    const consumer = await broker.consumer({ clientId: 'fuzz', isolation: 'read_committed', queuedBytesMax })
    const places = Array.from({ length: partitionCount }, (_, partition) => ({ topic, partition }))
    consumer.assign(places.map(place => ({ ...place, offset: from?.get(place.partition) ?? 0 })))
    return new HistoryReader(consumer, places, pollRecords)
  }

  /** Everything up to these last stable offsets, by `partitionKey`. */
  async readTo(ends: ReadonlyMap<string, number>): Promise<Reading> {
    const consumer = this.#consumer
    const isDone = () =>
      this.#places.every(
        place => consumer.position(place)! >= ends.get(partitionKey(place.topic, place.partition))!,
      )
    const attempt = async () => {
      // As much as there is, so that a poll of one record is no wait for each.
      for (let batches = consumer.poll(this.#pollRecords); batches.length > 0;) {
        for (const { partition, records } of batches) {
          for (const { offset, timestamp, value } of records) {
            this.#lines.get(partition)!.push(`${offset} ${timestamp} ${crc32c(Buffer.from(value!))}`)
          }
        }
        batches = consumer.poll(this.#pollRecords)
      }
      if (!isDone()) await consumer.ready(50)
      return isDone()
    }
    await eventually(attempt, { what: `the end of ${this.#places[0]!.topic}` })
    return this.#lines
  }

  close(): Promise<void> {
    return this.#consumer.close()
  }
}
