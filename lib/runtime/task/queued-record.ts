import type { Header } from '../../common/headers.ts'
import type { RecordContext } from '../../common/record-context.ts'
import type { RawRecord } from '../../broker/broker.ts'

/**
 * The record at the head of a queue: deserialised, with its time. It is its own context, so that no other
 * object is made for each record.
 */
export class QueuedRecord implements RecordContext {
  readonly topic: string
  readonly partition: number
  readonly timestamp: number
  readonly key: unknown
  readonly value: unknown
  readonly source: RawRecord

  constructor(
    place: { topic: string; partition: number },
    source: RawRecord,
    key: unknown,
    value: unknown,
    timestamp: number,
  ) {
    this.topic = place.topic
    this.partition = place.partition
    this.timestamp = timestamp
    this.key = key
    this.value = value
    this.source = source
  }

  get offset(): number {
    return this.source.offset
  }

  get headers(): readonly Header[] {
    return this.source.headers
  }
}
