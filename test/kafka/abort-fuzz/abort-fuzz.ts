import { fileURLToPath } from 'node:url'
import type { Broker } from '../../../lib/broker/broker.ts'
import { openKafkaBroker } from '../../../lib/broker/kafka/adapter/kafka-broker.ts'
import { systemClock } from '../../../lib/common/clock.ts'
import { partitionKey } from '../../../lib/common/ids.ts'
import { silentLogger } from '../../../lib/common/logger.ts'
import { JavaProcess } from '../jvm/java-process.ts'
import { HistoryReader, type Reading } from './read-history.ts'
import { SeededRandom } from '../../support/seeded-random.ts'
import { writeHistory, type History } from './write-history.ts'

const JVM_READER = fileURLToPath(new URL('../jvm/ReadTopics.java', import.meta.url))
const COMPRESSIONS = ['none', 'gzip', 'snappy', 'lz4', 'zstd']
/** Of a partition in one fetch: one byte gets a batch at a time, the largest everything at once. */
const FETCH_BYTES = [1, 700, 5_000, 1_048_576]

export interface AbortFuzzOptions {
  readonly brokers: string
  readonly seed: number
  /** Topics. */
  readonly count: number
  readonly say: (line: string) => void
}

/**
 * Random histories of transactions, each read by the direct path with tiny and large fetches (from the start,
 * from the middle, and while it is written), by the native path, and by a consumer of the JVM. Resolves with
 * the differences, one line each, and how many records were compared.
 */
export async function runAbortFuzz({
  brokers,
  seed,
  count,
  say,
}: AbortFuzzOptions): Promise<{ differences: string[]; records: number }> {
  const open = (fetch: 'direct' | 'native', client: { [name: string]: string | number }) =>
    openKafkaBroker({ brokers, fetch, client, clock: systemClock, logger: silentLogger })
  const writing = await Promise.all(COMPRESSIONS.map(codec => open('native', { 'compression.type': codec })))
  const direct = await Promise.all(
    FETCH_BYTES.map(bytes => open('direct', { 'fetch.message.max.bytes': bytes })),
  )
  const native = writing[0]!
  const differences: string[] = []
  const readings = new Map<string, Reading>()
  try {
    for (let at = 0; at < count; at += 1) {
      const topic = `abort-fuzz-${seed + at}-${process.pid}-${Math.round(performance.now())}`
      const round = new Round(topic, new SeededRandom(seed + at), direct, native)
      const before = differences.length
      readings.set(topic, await round.play(writing, differences))
      say(
        `seed ${seed + at}: ${differences.length === before ? 'alike' : 'DIFFERENT'}, ${linesOf(readings.get(topic)!)} records`,
      )
    }
    await compareWithJvm(brokers, readings, differences)
  } finally {
    await Promise.all([...writing, ...direct].map(broker => broker.close()))
  }
  return { differences, records: [...readings.values()].reduce((sum, each) => sum + linesOf(each), 0) }
}

class Round {
  readonly #topic: string
  readonly #random: SeededRandom
  readonly #direct: readonly Broker[]
  readonly #native: Broker

  constructor(topic: string, random: SeededRandom, direct: readonly Broker[], native: Broker) {
    this.#topic = topic
    this.#random = random
    this.#direct = direct
    this.#native = native
  }

  /** Returns what the native path has read at last. */
  async play(writing: readonly Broker[], differences: string[]): Promise<Reading> {
    const history = await writeHistory(this.#topic, writing, this.#random)
    // These see the open transactions end.
    const following = await this.#openDirect(history)
    const ends = await this.#ends(history)
    const early = await this.#readNative(history, ends)
    for (const [name, reader] of following) {
      // An answer to a commit comes before its markers: one reader may have seen the ends move.
      const seen = upTo(ends, this.#topic, await reader.readTo(ends))
      compare(`${this.#topic} while open, ${name}`, upTo(ends, this.#topic, early), seen, differences)
    }
    await history.finish()
    const lastEnds = await this.#decidedEnds(history)
    const all = await this.#readNative(history, lastEnds)
    for (const [name, reader] of following) {
      compare(`${this.#topic} at the end, ${name}`, all, await reader.readTo(lastEnds), differences)
      await reader.close()
    }
    await this.#readFromTheMiddle(history, lastEnds, all, differences)
    return all
  }

  async #openDirect(history: History): Promise<Map<string, HistoryReader>> {
    const readers = new Map<string, HistoryReader>()
    for (const [index, broker] of this.#direct.entries()) {
      const queuedBytesMax = this.#random.pick([1_000, 50_000, 4_000_000])
      const pollRecords = this.#random.pick([1, 7, 1_000])
      const name = `fetches of ${FETCH_BYTES[index]} bytes, queues of ${queuedBytesMax}, polls of ${pollRecords}`
      readers.set(name, await HistoryReader.open(broker, history, { queuedBytesMax, pollRecords }))
    }
    return readers
  }

  async #readFromTheMiddle(
    history: History,
    ends: ReadonlyMap<string, number>,
    all: Reading,
    differences: string[],
  ): Promise<void> {
    const from = new Map<number, number>()
    const expected = new Map<number, readonly string[]>()
    for (const [partition, lines] of all) {
      const start = this.#random.below(ends.get(partitionKey(history.topic, partition))! + 1)
      from.set(partition, start)
      expected.set(
        partition,
        lines.filter(line => Number.parseInt(line, 10) >= start),
      )
    }
    const options = { queuedBytesMax: 1_000_000, pollRecords: 50, from }
    const reader = await HistoryReader.open(this.#random.pick(this.#direct), history, options)
    compare(`${this.#topic} from the middle`, expected, await reader.readTo(ends), differences)
    await reader.close()
  }

  async #readNative(history: History, ends: ReadonlyMap<string, number>): Promise<Reading> {
    const options = { queuedBytesMax: 8_000_000, pollRecords: 1_000 }
    const reader = await HistoryReader.open(this.#native, history, options)
    const reading = await reader.readTo(ends)
    await reader.close()
    return new Map([...reading].map(([partition, lines]) => [partition, [...lines]]))
  }

  async #ends({ topic, partitionCount }: History): Promise<ReadonlyMap<string, number>> {
    const admin = await this.#native.admin()
    const places = Array.from({ length: partitionCount }, (_, partition) => ({ topic, partition }))
    const ends = await admin.endOffsets(places, 'read_committed')
    await admin.close()
    return ends
  }

  /** Markers come after the answer to a commit: the ends are waited for. */
  async #decidedEnds(history: History): Promise<ReadonlyMap<string, number>> {
    const admin = await this.#native.admin()
    const { topic, partitionCount } = history
    const places = Array.from({ length: partitionCount }, (_, partition) => ({ topic, partition }))
    for (;;) {
      const stable = await admin.endOffsets(places, 'read_committed')
      const high = await admin.endOffsets(places, 'read_uncommitted')
      if ([...high].every(([place, end]) => stable.get(place) === end)) {
        await admin.close()
        return stable
      }
      await systemClock.sleep(20)
    }
  }
}

/** One program for all topics, since starting it takes longer than reading. */
async function compareWithJvm(
  brokers: string,
  readings: ReadonlyMap<string, Reading>,
  differences: string[],
): Promise<void> {
  const jvm = await JavaProcess.start(JVM_READER, [brokers, '2000', ...readings.keys()])
  const read = new Map<string, Map<number, string[]>>()
  for (const [topic, reading] of readings) {
    read.set(topic, new Map([...reading.keys()].map(partition => [partition, []])))
  }
  for (const line of (await jvm.output()).split('\n')) {
    if (line === '') continue
    const [topic, partition, ...rest] = line.split(' ') as [string, string, ...string[]]
    read.get(topic)!.get(Number(partition))!.push(rest.join(' '))
  }
  for (const [topic, reading] of readings)
    compare(`${topic}, the JVM`, reading, read.get(topic)!, differences)
}

function compare(what: string, expected: Reading, actual: Reading, differences: string[]): void {
  for (const [partition, lines] of expected) {
    const others = actual.get(partition) ?? []
    const at = lines.findIndex((line, index) => line !== others[index])
    if (at < 0 && others.length === lines.length) continue
    const place = at < 0 ? lines.length : at
    differences.push(`${what}, partition ${partition}, record ${place}: ${lines[place]} and ${others[place]}`)
  }
}

function upTo(ends: ReadonlyMap<string, number>, topic: string, reading: Reading): Reading {
  const isBefore = (line: string, partition: number) =>
    Number.parseInt(line, 10) < ends.get(partitionKey(topic, partition))!
  return new Map(
    [...reading].map(([partition, lines]) => [partition, lines.filter(line => isBefore(line, partition))]),
  )
}

function linesOf(reading: Reading): number {
  return [...reading.values()].reduce((sum, lines) => sum + lines.length, 0)
}
