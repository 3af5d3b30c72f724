import { finished } from 'node:stream/promises'
import { TextDecoder } from 'node:util'
import { CsvError, parse, type Parser } from 'csv-parse'
import { RequestError } from '../web/request-error.ts'
import type { RowFields } from './records.ts'

/** With it, a chunk stays far below what a broker takes as one record. */
const ROW_BYTES_MAX = 64 * 1024
const COLUMNS = ['email', 'name', 'phone', 'company'] as const
const DELIMITERS = [',', ';', '\t'] as const

/**
 * Reads the bytes of a CSV file, and gives what rows have come with each piece. Strict: a quote that does not
 * close, or a row with another number of columns than the header, is an error that names its line, since a
 * file that is read wrongly from there on must not be imported. What is unambiguous is taken: semicolons or
 * tabs between columns, UTF-16, `E-Mail` as a header. Throws `RequestError`.
 */
export async function* readCsv(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<RowFields[]> {
  let rows: RowFields[] = []
  let columns: readonly number[] | undefined
  let parser: Parser | undefined
  // The parser counts \r\n within quotes as two lines.
  let surplus = 0
  const line = () => (parser?.info.lines ?? 1) - surplus
  const take = (record: string[]) => {
    for (const field of record) if (field.includes('\r\n')) surplus += field.split('\r\n').length - 1
    // A column that the file does not have is at -1.
    if (columns) rows.push(columns.map(at => record[at] ?? '') as unknown as RowFields)
    else columns = columnsOf(record)
    return null
  }
  try {
    for await (const text of firstLineWhole(decoded(bytes, line))) {
      parser ??= open(delimiterOf(text), take)
      await written(parser, text)
      yield rows
      rows = []
    }
    if (parser) await finished(parser.end())
  } catch (error) {
    throw csvError(error, parser, line())
  } finally {
    parser?.destroy()
  }
  if (!columns) throw noEmailColumn('the file is empty')
  yield rows
}

/** Records go to the callback, not through the stream: an object stream would cost more than the parsing. */
function open(delimiter: string, onRecord: (record: string[]) => null): Parser {
  const limits = { skip_empty_lines: true, max_record_size: ROW_BYTES_MAX }
  const parser = parse({ delimiter, ...limits, on_record: onRecord })
  // Whoever writes hears of errors as well.
  return parser.on('error', () => undefined).resume()
}

function written(parser: Parser, text: string): Promise<void> {
  return new Promise((resolve, reject) => parser.write(text, error => (error ? reject(error) : resolve())))
}

/** Excel saves UTF-16 with a mark before it, other programs without: then the header has zeros. */
async function* decoded(bytes: AsyncIterable<Uint8Array>, line: () => number): AsyncGenerator<string> {
  let decoder: TextDecoder | undefined
  let waiting: Uint8Array = new Uint8Array()
  try {
    for await (const more of bytes) {
      const piece = waiting.length > 0 ? Buffer.concat([waiting, more]) : more
      waiting = new Uint8Array()
      if (!decoder && piece.length < 2) waiting = piece
      else
        yield (decoder ??= new TextDecoder(encodingOf(piece), { fatal: true })).decode(piece, {
          stream: true,
        })
    }
    decoder ??= new TextDecoder('utf-8', { fatal: true })
    yield decoder.decode(waiting, { stream: true }) + decoder.decode()
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    const message = `after line ${line()}: the file is not in UTF-8; save it as UTF-8`
    throw new RequestError(400, 'NOT_UTF8', message)
  }
}

function encodingOf([first, second]: Uint8Array): string {
  if ((first === 0xff && second === 0xfe) || second === 0) return 'utf-16le'
  return (first === 0xfe && second === 0xff) || first === 0 ? 'utf-16be' : 'utf-8'
}

/** The first text has the whole header, which says what stands between columns. */
async function* firstLineWhole(texts: AsyncIterable<string>): AsyncGenerator<string> {
  let head: string | undefined = ''
  for await (const text of texts) {
    if (head !== undefined) head += text
    if (head !== undefined && !/\S[\r\n]/.test(head) && head.length < ROW_BYTES_MAX) continue
    const next = head ?? text
    head = undefined
    if (next !== '') yield next
  }
  if (head) yield head
}

/** The one by which the header has a column of addresses. */
function delimiterOf(text: string): string {
  const [header = ''] = text.trimStart().split(/[\r\n]/, 1)
  const isColumn = (name: string) => nameOf(name.replaceAll('"', '')) === 'email'
  return DELIMITERS.find(delimiter => header.split(delimiter).some(isColumn)) ?? ','
}

/** `E-Mail` and `e mail` are `email`. */
function nameOf(column: string): string {
  return column.toLowerCase().replaceAll(/[\s_-]/g, '')
}

function columnsOf(header: readonly string[]): readonly number[] {
  const exact = header.map(name => name.trim().toLowerCase())
  const names = header.map(nameOf)
  const columns = COLUMNS.map(column => (exact.includes(column) ? exact : names).indexOf(column))
  if (columns[0] !== -1) return columns
  throw noEmailColumn(`its first row is: ${header.join(', ').slice(0, 200)}`)
}

function noEmailColumn(found: string): RequestError {
  const message = `the file needs a header row with a column "email", separated by commas, semicolons or tabs; ${found}`
  return new RequestError(400, 'NO_EMAIL_COLUMN', message)
}

function csvError(error: unknown, parser: Parser | undefined, line: number): unknown {
  if (!(error instanceof CsvError)) return error
  const quoteLine = parser && openQuoteLine(parser, line)
  if (error.code === 'CSV_MAX_RECORD_SIZE' && quoteLine === undefined) {
    const message = `line ${line}: a row has more than ${ROW_BYTES_MAX} bytes`
    return new RequestError(413, 'ROW_TOO_LARGE', message)
  }
  const message =
    quoteLine === undefined
      ? `line ${line}: ${error.message}`
      : `line ${quoteLine}: the quote that opens here is not closed`
  return new RequestError(400, 'MALFORMED_CSV', message)
}

/** The line on which the field began that is being read; undefined where it has no quotes. */
function openQuoteLine(parser: Parser, line: number): number | undefined {
  const { state } = parser as Parser & {
    readonly state: { readonly quoting: boolean; readonly field: { toString(encoding: string): string } }
  }
  if (!state.quoting) return undefined
  const field = state.field.toString('utf8')
  // A line is counted when its first character comes, \r\n twice.
  return line - (field.slice(0, -1).match(/[\r\n]/g)?.length ?? 0)
}
