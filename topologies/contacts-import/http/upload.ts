import { Buffer } from 'node:buffer'
import type { Clock } from 'millrace'
import type { RowFields } from '../records.ts'
import { CsvReader } from './csv-reader.ts'
import { RequestError } from '../../web/request-error.ts'
import type { UploadSender } from './upload-sender.ts'

const ROWS_MAX = 1_000_000
const CHUNK_ROWS_MAX = 500
const CHUNK_CHARACTERS_MAX = 64 * 1024
/** A slow upload sends small chunks: one without any for long would expire. */
const CHUNK_AGE_MS = 10_000

export interface UploadOptions {
  readonly importId: string
  readonly channel: string
  readonly fileName: string | undefined
  readonly bytesMax: number
}

/**
 * One file on its way into the topic, as chunks of rows. Only `finish` makes it an import; without it,
 * nothing happens.
 */
export class Upload {
  readonly #options: UploadOptions
  readonly #sender: UploadSender
  readonly #clock: Clock
  readonly #reader = new CsvReader(fields => this.#addRow(fields))
  #rows: RowFields[] = []
  #characters = 0
  #sinceMs = 0
  #chunks = 0
  #total = 0
  #bytes = 0

  constructor(options: UploadOptions, sender: UploadSender, clock: Clock) {
    this.#options = options
    this.#sender = sender
    this.#clock = clock
  }

  get total(): number {
    return this.#total
  }

  /** Takes the next bytes, and waits until there is room for more. */
  async write(bytes: Uint8Array): Promise<void> {
    this.#bytes += bytes.length
    const { bytesMax } = this.#options
    if (this.#bytes > bytesMax) throw fileTooLarge(bytesMax)
    await this.#reader.write(bytes)
    if (this.#rows.length > 0 && this.#clock.monotonicMs() - this.#sinceMs > CHUNK_AGE_MS) this.#sendChunk()
    await this.#sender.room()
  }

  /**
   * Resolves when the import is real: all its records are acknowledged. If a chunk was refused, its end does
   * no harm: an upload without all its chunks never starts, and expires.
   */
  async finish(): Promise<void> {
    const { importId, channel, fileName } = this.#options
    await this.#reader.end()
    if (this.#rows.length > 0) this.#sendChunk()
    const end = { kind: 'end', chunks: this.#chunks, total: this.#total, channel } as const
    this.#sender.send(importId, fileName === undefined ? end : { ...end, fileName })
    await this.#sender.acknowledged(importId)
  }

  close(): void {
    this.#reader.close()
    this.#sender.forget(this.#options.importId)
  }

  #addRow(fields: RowFields): void {
    this.#total += 1
    if (this.#total > ROWS_MAX) {
      throw new RequestError(413, 'TOO_MANY_ROWS', `the file has more than ${ROWS_MAX} rows: split it`)
    }
    if (this.#rows.length === 0) this.#sinceMs = this.#clock.monotonicMs()
    this.#rows.push(fields)
    for (const field of fields) this.#characters += field.length
    if (this.#rows.length >= CHUNK_ROWS_MAX || this.#characters >= CHUNK_CHARACTERS_MAX) this.#sendChunk()
  }

  #sendChunk(): void {
    const firstRow = this.#total - this.#rows.length + 1
    const rows = Buffer.from(JSON.stringify(this.#rows), 'utf8')
    this.#sender.send(this.#options.importId, { kind: 'chunk', index: this.#chunks, firstRow, rows })
    this.#chunks += 1
    this.#rows = []
    this.#characters = 0
  }
}

export function fileTooLarge(bytesMax: number): RequestError {
  return new RequestError(413, 'FILE_TOO_LARGE', `the file has more than ${bytesMax} bytes: split it`)
}
