import type { IncomingMessage } from 'node:http'
import type { TopicHandle, TopicMessage } from 'millrace'
import { RequestError } from '../web/request-error.ts'
import { readCsv } from './read-csv.ts'
import type { RowFields, UploadRecord } from './records.ts'

const BYTES_MAX = 1024 * 1024 * 1024
const ROWS_MAX = 1_000_000
const CHUNK_ROWS = 500
const CHUNK_BYTES = 64 * 1024
const IDLE_MS = 60_000

type Message = TopicMessage<string, UploadRecord>

/**
 * Sends the rows of a file to the topic as they come, and then the end, which makes it an import: without it
 * nothing happens. Returns the number of rows when all is acknowledged. Throws `RequestError`.
 */
export async function takeUpload(
  incoming: IncomingMessage,
  importId: string,
  uploads: TopicHandle<string, UploadRecord>,
): Promise<number> {
  checkHeaders(incoming)
  let total = 0
  async function* chunks(): AsyncGenerator<Message> {
    let chunk = 0
    for await (const rows of chunked(readCsv(bodyOf(incoming)))) {
      const value = { chunk, firstRow: total + 1, rows: JSON.stringify(rows) }
      chunk += 1
      total += rows.length
      if (total > ROWS_MAX) throw tooLarge('TOO_MANY_ROWS', `${ROWS_MAX} rows`)
      yield { key: importId, value }
    }
  }
  const count = await uploads.sendAll(chunks())
  await uploads.send(importId, { chunks: count, total })
  return total
}

async function* chunked(pieces: AsyncIterable<RowFields[]>): AsyncGenerator<RowFields[]> {
  let rows: RowFields[] = []
  let bytes = 0
  for await (const piece of pieces) {
    for (const row of piece) {
      rows.push(row)
      bytes += row.reduce((sum, field) => sum + field.length, 0)
      if (rows.length < CHUNK_ROWS && bytes < CHUNK_BYTES) continue
      yield rows
      rows = []
      bytes = 0
    }
  }
  if (rows.length > 0) yield rows
}

/**
 * The bytes as they come. Leaving the loop early must not destroy the request: its answer is still to be
 * written.
 */
async function* bodyOf(incoming: IncomingMessage): AsyncGenerator<Uint8Array> {
  let bytes = 0
  incoming.setTimeout(IDLE_MS, () => incoming.destroy())
  try {
    for await (const piece of incoming.iterator({ destroyOnReturn: false })) {
      bytes += (piece as Uint8Array).length
      if (bytes > BYTES_MAX) throw tooLarge('FILE_TOO_LARGE', `${BYTES_MAX} bytes`)
      yield piece as Uint8Array
    }
  } catch (error) {
    if (error instanceof RequestError) throw error
    throw new RequestError(400, 'UPLOAD_BROKEN_OFF', 'the upload ended before the file did')
  } finally {
    incoming.setTimeout(0)
  }
}

function checkHeaders({ headers }: IncomingMessage): void {
  const type = headers['content-type']?.toLowerCase() ?? ''
  if (!/^\s*text\/csv\s*(;|$)/.test(type)) {
    throw new RequestError(415, 'NOT_CSV', `the content type is "${type}": it must be text/csv`)
  }
  const charset = /charset="?([^"\s;]+)/.exec(type)?.[1] ?? 'utf-8'
  if (!/^(utf-?8|us-ascii|utf-16(le|be)?)$/.test(charset)) {
    throw new RequestError(415, 'NOT_UTF8', `the character set is "${charset}": it must be utf-8`)
  }
  if (Number(headers['content-length'] ?? 0) > BYTES_MAX)
    throw tooLarge('FILE_TOO_LARGE', `${BYTES_MAX} bytes`)
}

function tooLarge(code: string, most: string): RequestError {
  return new RequestError(413, code, `the file has more than ${most}: split it`)
}
