import { finished } from 'node:stream/promises'
import { CsvError, parse, type Parser } from 'csv-parse'
import type { RowFields } from '../records.ts'
import { RequestError } from '../../web/request-error.ts'

/**
 * A record of the file may have so many bytes; with it, a chunk stays far below what a broker takes as one
 * record.
 */
const ROW_BYTES_MAX = 64 * 1024
const COLUMNS = ['email', 'name', 'phone', 'company'] as const

/**
 * Turns the bytes of a CSV file into rows, as they come. Strict: a quote that does not close, or a row with
 * another number of columns than the header, is an error that names its line, since a file that is read
 * wrongly from there on must not be imported.
 */
export class CsvReader {
  readonly #parser: Parser
  readonly #decoder = new TextDecoder('utf-8', { fatal: true })
  readonly #onRow: (fields: RowFields) => void
  readonly #ended: Promise<void>
  #columns: readonly number[] | undefined

  constructor(onRow: (fields: RowFields) => void) {
    this.#onRow = onRow
    this.#parser = parse({
      bom: true,
      skip_empty_lines: true,
      max_record_size: ROW_BYTES_MAX,
      // Records go to the callback, not through the stream: an object stream would cost more than the
      // parsing.
      on_record: (record: string[]) => {
        this.#take(record)
        return null
      },
    })
    this.#parser.resume()
    this.#ended = finished(this.#parser)
    // Whoever writes hears of it as well; this promise may have no reader then.
    this.#ended.catch(() => undefined)
  }

  /** Calls `onRow` for what is complete, then resolves. Rejects with a `RequestError`. */
  async write(bytes: Uint8Array): Promise<void> {
    const text = this.#decode(bytes)
    if (text === '') return
    await new Promise<void>((resolve, reject) => {
      this.#parser.write(text, error => (error ? reject(csvError(error)) : resolve()))
    })
  }

  async end(): Promise<void> {
    const text = this.#decode(undefined)
    this.#parser.end(text === '' ? undefined : text)
    await this.#ended.catch((error: unknown) => {
      throw csvError(error)
    })
    if (!this.#columns) throw noEmailColumn('the file is empty')
  }

  /** Ends it early. */
  close(): void {
    this.#parser.destroy()
  }

  #decode(bytes: Uint8Array | undefined): string {
    try {
      return bytes ? this.#decoder.decode(bytes, { stream: true }) : this.#decoder.decode()
    } catch {
      const line = this.#parser.info.lines
      throw new RequestError(
        400,
        'NOT_UTF8',
        `after line ${line}: the file is not in UTF-8; save it as UTF-8`,
      )
    }
  }

  #take(record: string[]): void {
    const columns = this.#columns
    if (!columns) {
      this.#columns = columnsOf(record)
      return
    }
    const [email, name, phone, company] = columns as [number, number, number, number]
    // A column that the file does not have is at -1.
    this.#onRow([record[email] ?? '', record[name] ?? '', record[phone] ?? '', record[company] ?? ''])
  }
}

function columnsOf(header: readonly string[]): readonly number[] {
  const names = header.map(name => name.trim().toLowerCase())
  const columns = COLUMNS.map(column => names.indexOf(column))
  if (columns[0] !== -1) return columns
  throw noEmailColumn(`its first row is: ${header.join(', ').slice(0, 200)}`)
}

function noEmailColumn(found: string): RequestError {
  return new RequestError(
    400,
    'NO_EMAIL_COLUMN',
    `the file needs a header row with a column "email", separated by commas; ${found}`,
  )
}

function csvError(error: unknown): unknown {
  if (!(error instanceof CsvError)) return error
  const line = (error as { readonly lines?: number }).lines
  if (error.code === 'CSV_MAX_RECORD_SIZE') {
    return new RequestError(413, 'ROW_TOO_LARGE', `line ${line}: a row has more than ${ROW_BYTES_MAX} bytes`)
  }
  return new RequestError(400, 'MALFORMED_CSV', `line ${line}: ${error.message}`)
}
