import { Buffer } from 'node:buffer'
import type { Serde } from 'millrace'
import type { UploadChunk, UploadEnd, UploadRecord } from './records.ts'

const CHUNK = 0
const END = 1
const CHUNK_HEADER_BYTES = 9

/**
 * A chunk is a zero byte, its index and first row (big-endian, four bytes each), and its rows in JSON; the
 * end is a one byte and JSON. So a chunk is counted, stored and counted again without its rows being parsed.
 */
export const uploadSerde: Serde<UploadRecord> = {
  name: 'upload',
  serialize: record => (record.kind === 'chunk' ? writeChunk(record) : writeEnd(record)),
  deserialize(bytes) {
    if (bytes[0] === CHUNK && bytes.length > CHUNK_HEADER_BYTES) return readChunk(bytes)
    if (bytes[0] === END) return readEnd(bytes)
    throw new Error(`${bytes.length} bytes that start with ${bytes[0]} are no upload record`)
  },
}

/** For the store of chunks. */
export const chunkSerde: Serde<UploadChunk> = {
  name: 'upload-chunk',
  serialize: writeChunk,
  deserialize: readChunk,
}

function writeChunk({ index, firstRow, rows }: UploadChunk): Uint8Array {
  const bytes = Buffer.allocUnsafe(CHUNK_HEADER_BYTES + rows.length)
  bytes[0] = CHUNK
  bytes.writeUInt32BE(index, 1)
  bytes.writeUInt32BE(firstRow, 5)
  bytes.set(rows, CHUNK_HEADER_BYTES)
  return bytes
}

/** The rows are copied: what comes in may be a slice of a buffer that is used again. */
function readChunk(bytes: Uint8Array): UploadChunk {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return {
    kind: 'chunk',
    index: view.getUint32(1),
    firstRow: view.getUint32(5),
    rows: Uint8Array.prototype.slice.call(bytes, CHUNK_HEADER_BYTES),
  }
}

function writeEnd({ chunks, total, channel, fileName }: UploadEnd): Uint8Array {
  const json = Buffer.from(JSON.stringify({ chunks, total, channel, fileName }), 'utf8')
  const bytes = Buffer.allocUnsafe(1 + json.length)
  bytes[0] = END
  bytes.set(json, 1)
  return bytes
}

function readEnd(bytes: Uint8Array): UploadEnd {
  const json = Buffer.from(bytes.buffer, bytes.byteOffset + 1, bytes.byteLength - 1).toString('utf8')
  return { kind: 'end', ...(JSON.parse(json) as Omit<UploadEnd, 'kind'>) }
}
