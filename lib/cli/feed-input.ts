import { once } from 'node:events'
import { constants, createReadStream } from 'node:fs'
import { access } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import type { Producer } from '../broker/broker.ts'
import { utf8 } from '../common/bytes.ts'
import type { Clock } from '../common/clock.ts'
import { errorFrom, StreamsError } from '../common/errors.ts'
import { partitionForKey } from '../common/murmur2.ts'

export interface FeedOptions {
  readonly topic: string
  readonly partitionCount: number
  /** A path, or `-`. */
  readonly source: string
  readonly keySeparator: string | undefined
  readonly producer: Producer
  readonly clock: Clock
  readonly signal: AbortSignal
}

/** Before anything is started. Rejects with `INPUT_UNREADABLE`. */
export async function checkReadable(source: string): Promise<void> {
  if (source === '-') return
  await access(source, constants.R_OK).catch((reason: unknown) => {
    throw unreadable(errorFrom(reason))
  })
}

/** Rejects with `INPUT_UNREADABLE`. */
export async function openInput(source: string): Promise<Readable> {
  if (source === '-') return process.stdin
  const stream = createReadStream(source)
  try {
    await once(stream, 'open')
    return stream
  } catch (reason) {
    throw unreadable(errorFrom(reason))
  }
}

function unreadable(cause: Error): StreamsError {
  return new StreamsError('INPUT_UNREADABLE', `--input: ${cause.message}`, { cause })
}

/**
 * Writes each line as a record, in order; returns how many. Lines without keys go to the partitions in turn. Ends early, with what is
 * written flushed, when the signal aborts. Rejects with `INPUT_WITHOUT_KEY` at a line that has no separator.
 */
export async function feedInput(stream: Readable, options: FeedOptions): Promise<number> {
  const { producer, signal } = options
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
    throw failure ? unreadable(failure) : error
  } finally {
    signal.removeEventListener('abort', stop)
    stream.destroy()
  }
}

async function sendLines(lines: AsyncIterable<string>, options: FeedOptions): Promise<number> {
  const { producer, signal } = options
  let count = 0
  for await (const line of lines) {
    if (signal.aborted) break
    if (!producer.writable) await producer.drained()
    sendLine(line, count, options)
    count += 1
  }
  return count
}

function sendLine(line: string, index: number, options: FeedOptions): void {
  const { topic, partitionCount, producer, clock } = options
  const [key, value] = splitLine(line, index, options)
  const partition = key === null ? index % partitionCount : partitionForKey(key, partitionCount)
  producer.send({ topic, partition, key, value: utf8(value), timestamp: clock.nowMs(), headers: [] })
}

function splitLine(
  line: string,
  index: number,
  { keySeparator, source }: FeedOptions,
): readonly [Uint8Array | null, string] {
  if (keySeparator === undefined) return [null, line]
  const at = line.indexOf(keySeparator)
  if (at >= 0) return [utf8(line.slice(0, at)), line.slice(at + keySeparator.length)]
  throw new StreamsError(
    'INPUT_WITHOUT_KEY',
    `line ${index + 1} of ${source} has no "${keySeparator}" to end its key (--input-key-separator)`,
  )
}
