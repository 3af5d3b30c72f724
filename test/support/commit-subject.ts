import { expect } from 'vitest'
import type { Broker } from '../../lib/broker/broker.ts'
import { utf8Text } from '../../lib/common/bytes.ts'
import { StreamsBuilder } from '../../lib/dsl/methods/streams-builder.ts'
import type { ProcessorContext } from '../../lib/processor/processor-context.ts'
import type { Processor } from '../../lib/processor/processor.ts'
import { Record } from '../../lib/processor/record.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import type { KeyValueStore } from '../../lib/store/contract/key-value-store.ts'
import { stores } from '../../lib/store/builders/stores.ts'
import { TopologyTestDriver } from '../../lib/testing/topology-test-driver.ts'
import type { Topology } from '../../lib/topology/topology.ts'
import { refusedForGood, type Refusal } from './refusing-broker.ts'
import { createTopics, int64Of, produce, readAll, textOf } from './topics.ts'

/**
 * A topology in which everything shows that a commit or an abort could leave wrong: state, a cache, a field
 * of a processor, stream time under out-of-order timestamps, a punctuator with output of its own.
 */
/** `prefix`: of the topics' names, where they share a broker with those of other tests. */
export function commitSubject(prefix = ''): Topology {
  const builder = new StreamsBuilder()
  builder.addStateStore(
    stores.keyValueStore({
      name: 'seen',
      keySerde: serdes.string(),
      valueSerde: serdes.int64(),
      ranges: false,
    }),
  )
  const input = builder.stream(`${prefix}in`, { keySerde: serdes.string(), valueSerde: serdes.string() })
  const text = { keySerde: serdes.string(), valueSerde: serdes.string() }
  input.process<string, string>({ get: () => new Witness() }, { stores: ['seen'] }).to(`${prefix}times`, text)
  input
    .groupByKey()
    .count({ storeName: 'counts' })
    .toStream()
    .to(`${prefix}counts-out`, { keySerde: serdes.string(), valueSerde: serdes.int64() })
  return builder.build()
}

/** Says of every record what it sees: stream time, lateness by its own field, and how often the key came. */
class Witness implements Processor<string, string, string, string> {
  #context!: ProcessorContext<string, string>
  #seen!: KeyValueStore<string, number>
  #latestMs = -1

  init(context: ProcessorContext<string, string>): void {
    this.#context = context
    this.#seen = context.getStateStore('seen')
    context.schedule({ intervalMs: 500, type: 'stream-time' }, timeMs => {
      const all = this.#seen.get('all') ?? 0
      context.forward(new Record('tick', `${timeMs}:${all}`, timeMs))
    })
  }

  process(record: Record<string, string>): void {
    const late = record.timestamp < this.#latestMs
    // Lateness only where the field has seen a record since it was made: a restart begins without, so it is
    // not compared.
    this.#latestMs = Math.max(this.#latestMs, record.timestamp)
    const times = (this.#seen.get(record.key) ?? 0) + 1
    this.#seen.put(record.key, times)
    this.#seen.put('all', (this.#seen.get('all') ?? 0) + 1)
    const streamTimeMs = this.#context.currentStreamTimeMs()
    const isLate = late || record.timestamp < streamTimeMs
    this.#context.forward(
      record.withValue(`${record.value}|${streamTimeMs}|${isLate ? 'late' : 'new'}|${times}`),
    )
  }
}

export interface SubjectOutcome {
  /** In order: the input has one partition. */
  readonly times: readonly string[]
  readonly counts: { readonly [key: string]: number }
}

/** The n-th input: 40 keys; every third record is up to 300 ms behind its neighbours. */
export function subjectInput(records: number): (readonly [key: string, value: string, timestamp: number])[] {
  return Array.from({ length: records }, (_, at) => {
    const lag = at % 3 === 0 ? (at * 37) % 300 : 0
    return [`k${(at * 17) % 40}`, `v${at}`, 10_000 + at * 10 - lag] as const
  })
}

/** What must come out, computed by the test driver. */
export function expectedOutcome(records: number): SubjectOutcome {
  const driver = new TopologyTestDriver(commitSubject())
  const text = { keySerde: serdes.string(), valueSerde: serdes.string() }
  const input = driver.createInputTopic('in', text)
  for (const [key, value, timestamp] of subjectInput(records)) input.pipeInput(key, value, { timestamp })
  const times = driver.createOutputTopic('times', text).readKeyValues()
  const counts = driver
    .createOutputTopic('counts-out', { keySerde: serdes.string(), valueSerde: serdes.int64() })
    .readKeyValues()
  driver.close()
  return {
    times: times.map(([key, value]) => `${key}=${value}`),
    counts: Object.fromEntries(counts.map(([key, value]) => [key!, value!])),
  }
}

export async function createSubjectTopics(broker: Broker, prefix = ''): Promise<void> {
  const names = ['in', 'times', 'counts-out', 'letters'].map(name => [`${prefix}${name}`, 1] as const)
  await createTopics(broker, Object.fromEntries(names))
}

export async function prepareSubject(broker: Broker, records: number): Promise<void> {
  await createSubjectTopics(broker)
  await produce(broker, 'in', 1, subjectInput(records))
}

/** What did come out, for a reader of committed records. */
export async function seenOutcome(broker: Broker, prefix = ''): Promise<SubjectOutcome> {
  const written = await readAll(broker, `${prefix}times`)
  const times = written.map(({ key, value }) => `${textOf(key)}=${textOf(value)}`)
  const counts: { [key: string]: number } = {}
  for (const { key, value } of await readAll(broker, `${prefix}counts-out`))
    counts[textOf(key)!] = int64Of(value)!
  return { times, counts }
}

/** The numbers of the inputs of which there are letters. */
export async function seenLetters(broker: Broker, prefix = ''): Promise<number[]> {
  const letters = await readAll(broker, `${prefix}letters`)
  return letters.map(({ value }) => Number(textOf(value)!.slice(1)))
}

/**
 * Compares. A stream-time punctuator fires at once when its processor is made anew, as in Kafka Streams, so
 * there may be more ticks than in an undisturbed run; each must tell exactly how many records came before it.
 * `refused`: the numbers of those among them that came without output.
 */
export function expectSame(
  seen: SubjectOutcome,
  expected: SubjectOutcome,
  refused: readonly number[] = [],
): true {
  const isTick = (line: string) => line.startsWith('tick=')
  expect(seen.times.filter(line => !isTick(line))).toEqual(expected.times.filter(line => !isTick(line)))
  let before = 0
  for (const line of seen.times) {
    if (!isTick(line)) {
      before += 1
      continue
    }
    const processed = Number(line.split(':')[1])
    expect(processed - refused.filter(number => number < processed).length).toBe(before)
  }
  expect(seen.times.filter(isTick)).toEqual(expect.arrayContaining(expected.times.filter(isTick)))
  expect(seen.counts).toEqual(expected.counts)
  return true
}

/** Records may come again, and then count again; state that was lost would make counts too small. */
export function expectNothingLost(seen: SubjectOutcome, expected: SubjectOutcome): true {
  const values = (lines: readonly string[]) =>
    [...new Set(lines.filter(line => !line.startsWith('tick=')).map(line => line.split('|')[0]))].sort()
  expect(values(seen.times)).toEqual(values(expected.times))
  for (const [key, count] of Object.entries(expected.counts)) {
    expect(seen.counts[key]).toBeGreaterThanOrEqual(count)
  }
  return true
}

/** The broker never takes the records that say of these inputs when they came. */
export function refusalOf(numbers: readonly number[], prefix = ''): Refusal {
  return record => {
    if (record.topic !== `${prefix}times`) return undefined
    const number = numberOf(utf8Text(record.value ?? new Uint8Array()))
    return number !== undefined && numbers.includes(number) ? refusedForGood(record) : undefined
  }
}

/** What must come out where such records are let go: all the rest, and what they did to the state. */
export function withoutRefused(
  { times, counts }: SubjectOutcome,
  numbers: readonly number[],
): SubjectOutcome {
  const isKept = (line: string) => {
    const number = numberOf(line.slice(line.indexOf('=') + 1))
    return number === undefined || !numbers.includes(number)
  }
  return { times: times.filter(isKept), counts }
}

/**
 * Compares where the application ended early, at the latest at this input: what was committed by then is the
 * beginning of all.
 */
export function expectBeginning(seen: SubjectOutcome, expected: SubjectOutcome, endNumber: number): void {
  const withoutTicks = ({ times }: SubjectOutcome) => times.filter(line => !line.startsWith('tick='))
  const came = withoutTicks(seen)
  expect(came).toEqual(withoutTicks(expected).slice(0, came.length))
  expect(came.length).toBeLessThanOrEqual(endNumber)
}

/** Of `v12|…`, which is not that of a tick. */
function numberOf(value: string): number | undefined {
  const digits = /^v(\d+)\|/.exec(value)?.[1]
  return digits === undefined ? undefined : Number(digits)
}
