import type { ByteReader } from '../../protocol/byte-reader.ts'

export interface ProducedPartition {
  readonly topic: string
  readonly partition: number
  readonly errorCode: number
  /** The broker's explanation of the error code. */
  readonly message: string | null
}

const RECORD_ERRORS_FROM = 8

export function readProduceResponse(reader: ByteReader, version: number): ProducedPartition[] {
  const produced: ProducedPartition[] = []
  for (let topics = reader.array(); topics > 0; topics -= 1) {
    const topic = reader.string()
    for (let left = reader.array(); left > 0; left -= 1) produced.push(readPartition(reader, version, topic))
    reader.tags()
  }
  reader.int32() // throttled for so long
  reader.tags()
  return produced
}

function readPartition(reader: ByteReader, version: number, topic: string): ProducedPartition {
  const partition = reader.int32()
  const errorCode = reader.int16()
  reader.skip(8 + 8 + 8) // base offset, append time, start of the log
  let message: string | null = null
  if (version >= RECORD_ERRORS_FROM) {
    for (let left = reader.array(); left > 0; left -= 1) {
      reader.int32()
      message = reader.nullableString() ?? message
      reader.tags()
    }
    message = reader.nullableString() ?? message
  }
  reader.tags()
  return { topic, partition, errorCode, message }
}
