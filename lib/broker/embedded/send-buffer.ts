import { Arena } from './log/arena.ts'
import type { BrokerState } from './state/broker-state.ts'
import { missingKey, negativeTimestamp, recordTooLarge, unknownPartition } from './state/errors.ts'
import type { OutgoingRecord } from '../broker.ts'
import type { PartitionLog } from './log/partition-log.ts'
import { recordBytes, type StoredRecord, storedRecord } from './log/stored-record.ts'

const BATCH_RECORDS_MAX = 512
const BATCH_BYTES_MAX = 256 * 1024

/** Records of one producer for one partition that the broker has not been given yet. */
export interface PartitionBuffer {
  readonly log: PartitionLog
  records: StoredRecord[]
  bytes: number
}

/**
 * What a producer collects between `send` and the broker, by partition. Bounded: a full partition is handed
 * over at once.
 */
export class SendBuffer {
  readonly #state: BrokerState
  readonly #arena = new Arena()
  readonly #byTopic = new Map<string, (PartitionBuffer | undefined)[]>()
  #bytes = 0

  constructor(state: BrokerState) {
    this.#state = state
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Copies the record in; the buffer is returned when it is full. Throws what the record is refused for. */
  add(record: OutgoingRecord): PartitionBuffer | undefined {
    const buffer = this.#bufferOf(record)
    const { config } = buffer.log
    const bytes = recordBytes(record)
    if (bytes > config.recordBytesMax) throw recordTooLarge(bytes, config.recordBytesMax, record)
    if (!(record.timestamp >= 0)) throw negativeTimestamp(record.timestamp, record)
    if (config.compacted && record.key === null) throw missingKey(record)
    buffer.records.push(storedRecord(record, this.#arena))
    buffer.bytes += bytes
    this.#bytes += bytes
    const full = buffer.records.length >= BATCH_RECORDS_MAX || buffer.bytes >= BATCH_BYTES_MAX
    return full ? buffer : undefined
  }

  /** Empties the buffer and returns what was in it. */
  take(buffer: PartitionBuffer): StoredRecord[] {
    const { records } = buffer
    this.#bytes -= buffer.bytes
    buffer.records = []
    buffer.bytes = 0
    return records
  }

  filled(): PartitionBuffer[] {
    const filled: PartitionBuffer[] = []
    for (const buffers of this.#byTopic.values()) {
      for (const buffer of buffers) if (buffer && buffer.records.length > 0) filled.push(buffer)
    }
    return filled
  }

  /** For an abort: what never reached the broker never will. */
  clear(): void {
    this.#byTopic.clear()
    this.#bytes = 0
  }

  /** A topic that was deleted and created again under its name is another log. */
  #bufferOf(record: OutgoingRecord): PartitionBuffer {
    const buffer = this.#byTopic.get(record.topic)?.[record.partition]
    if (buffer && !buffer.log.deleted) return buffer
    const log = this.#state.log(record.topic, record.partition)
    if (!log) throw unknownPartition(record)
    if (buffer) this.take(buffer)
    const fresh: PartitionBuffer = { log, records: [], bytes: 0 }
    const buffers = this.#byTopic.get(record.topic) ?? []
    buffers[record.partition] = fresh
    this.#byTopic.set(record.topic, buffers)
    return fresh
  }
}
