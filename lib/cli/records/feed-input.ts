import { once } from 'node:events'
import { constants, createReadStream } from 'node:fs'
import { access } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import type { OutgoingRecord, Producer } from '../../broker/broker.ts'
import { utf8 } from '../../common/bytes.ts'
import type { Clock } from '../../common/clock.ts'
import { errorFrom, StreamsError } from '../../common/errors/errors.ts'
import { partitionForKey } from '../../common/hash/murmur2.ts'

export interface FeedOptions {
  readonly topic: string
  readonly partitionCount: number
  /** A path, or `-`. */
  readonly source: string
  readonly keySeparator: string | undefined
  /** For messages: the options that name the source and the separator. */
  readonly named: { readonly source: string; readonly keySeparator: string }
  /** Default: both UTF-8. Throw what is wrong with the text. */
  readonly encode?: {
    key(text: string): Uint8Array | null
    value(text: string): Uint8Array | null
  }
  /** Called after each line, with their number. */
  readonly onSent?: (count: number) => void
  readonly producer: Producer
  readonly clock: Clock
  readonly signal: AbortSignal
}

/** Before anything is started. Rejects with `INPUT_UNREADABLE`, which names the option. */
export async function checkReadable(source: string, option: string): Promise<void> {
  if (source === '-') return
  await access(source, constants.R_OK).catch((reason: unknown) => {
    throw unreadable(errorFrom(reason), option)
  })
}

/** Rejects with `INPUT_UNREADABLE`, which names the option. */
export async function openInput(source: string, option: string): Promise<Readable> {
  if (source === '-') return process.stdin
  const stream = createReadStream(source)
  try {
    await once(stream, 'open')
    return stream
  } catch (reason) {
    throw unreadable(errorFrom(reason), option)
  }
}

function unreadable(cause: Error, option: string): StreamsError {
  return new StreamsError('INPUT_UNREADABLE', `${option}: ${cause.message}`, { cause })
}

/**
 * Writes each line as a record, in order; returns how many. Lines without keys go to the partitions in turn.
 * Ends early, with what is written flushed, when the signal aborts. Rejects, with the lines before written,
 * with `INPUT_WITHOUT_KEY` at a line that has no separator and `INPUT_INVALID` at one that cannot be encoded.
 */
export async function feedInput(stream: Readable, options: FeedOptions): Promise<number> {
  const { producer, signal, named } = options
  const lines = createInterface({ input: stream, crlfDelay: Infinity })
  const stop = () => lines.close()
  let failure: Error | undefined
  // A directory, a disk that fails: told apart here from what the producer says.
  stream.on('error', error => {
    failure = error
    stop()
  })
  signal.addEventListener('abort', stop, { once: true })
  try {
    const count = await sendLines(lines, options)
    await producer.flush()
    if (failure) throw failure
    return count
  } catch (error) {
    throw failure ? unreadable(failure, named.source) : error
  } finally {
    signal.removeEventListener('abort', stop)
    stream.destroy()
  }
}

async function sendLines(lines: AsyncIterable<string>, options: FeedOptions): Promise<number> {
  const { producer, signal, onSent } = options
  let count = 0
  for await (const line of lines) {
    if (signal.aborted) break
    if (!producer.writable) await producer.drained()
    let record: OutgoingRecord
    try {
      record = recordOf(line, count, options)
    } catch (error) {
      // The producer keeps nothing when it is closed, and the message promises these.
      await producer.flush()
      throw error
    }
    producer.send(record)
    count += 1
    onSent?.(count)
  }
  return count
}

function recordOf(line: string, index: number, options: FeedOptions): OutgoingRecord {
  const { topic, partitionCount, clock } = options
  const [keyText, valueText] = splitLine(line, index, options)
  const { key, value } = encoded(keyText, valueText, index, options)
  const partition = key === null ? index % partitionCount : partitionForKey(key, partitionCount)
  return { topic, partition, key, value, timestamp: clock.nowMs(), headers: [] }
}

function splitLine(
  line: string,
  index: number,
  options: FeedOptions,
): readonly [key: string | null, value: string] {
  const { keySeparator, named } = options
  if (keySeparator === undefined) return [null, line]
  const at = line.indexOf(keySeparator)
  if (at >= 0) return [line.slice(0, at), line.slice(at + keySeparator.length)]
  const what = `has no "${keySeparator}" to end its key (${named.keySeparator})`
  throw wrongLine('INPUT_WITHOUT_KEY', index, options, what)
}

function encoded(keyText: string | null, valueText: string, index: number, options: FeedOptions) {
  const { encode } = options
  try {
    return {
      key: keyText === null ? null : encode ? encode.key(keyText) : utf8(keyText),
      value: encode ? encode.value(valueText) : utf8(valueText),
    }
  } catch (reason) {
    const cause = errorFrom(reason)
    throw wrongLine('INPUT_INVALID', index, options, `cannot be written: ${cause.message}`, cause)
  }
}

function wrongLine(
  code: string,
  index: number,
  { source }: FeedOptions,
  what: string,
  cause?: Error,
): StreamsError {
  const place = `line ${index + 1} of ${source === '-' ? 'standard input' : source}`
  const before = index === 0 ? 'nothing is written' : `the ${index} before are written`
  return new StreamsError(code, `${place} ${what}; ${before}`, cause ? { cause } : {})
}
