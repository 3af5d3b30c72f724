import { expect } from 'vitest'
import type { Broker } from '../../lib/broker/broker.ts'
import { partitionForKey } from '../../lib/common/hash/murmur2.ts'
import type { AsyncCall } from '../../lib/dsl/options/async-functions.ts'
import type { AsyncOptions } from '../../lib/dsl/options/async-options.ts'
import { StreamsBuilder } from '../../lib/dsl/methods/streams-builder.ts'
import type { ProcessorContext } from '../../lib/processor/processor-context.ts'
import type { Processor } from '../../lib/processor/processor.ts'
import type { Record } from '../../lib/processor/record.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import type { KeyValueStore } from '../../lib/store/contract/key-value-store.ts'
import { stores } from '../../lib/store/builders/stores.ts'
import type { Topology } from '../../lib/topology/topology.ts'
import { createTopics, int64Of, produce, readAll, textOf, type Pair } from './topics.ts'

const TEXT = { keySerde: serdes.string(), valueSerde: serdes.string() }

export type SubjectCall = (value: string, key: string, call: AsyncCall) => Promise<string>

/**
 * An asynchronous operator with everything around it that a repeated or a lost input would show in: a count
 * above it, whose number becomes part of the value; a sink on a sibling branch; a count of its results.
 */
/** `prefix`: of the topics' names, where they share a broker with those of other tests. */
export function asyncSubject(
  call: SubjectCall,
  options: AsyncOptions<string, string> = {},
  prefix = '',
): Topology {
  const builder = new StreamsBuilder()
  builder.addStateStore(
    stores.keyValueStore({
      name: 'seen',
      keySerde: serdes.string(),
      valueSerde: serdes.int64(),
      ranges: false,
    }),
  )
  const numbered = builder
    .stream(`${prefix}in`, TEXT)
    .processValues<string>({ get: () => new Numbering() }, { stores: ['seen'] })
  numbered.to(`${prefix}copies`, TEXT)
  const results = numbered.mapValuesAsync(call, { ...TEXT, ...options })
  results.to(`${prefix}out`, TEXT)
  results
    .groupByKey(TEXT)
    .count({ storeName: 'counts' })
    .toStream()
    .to(`${prefix}counts-out`, { keySerde: serdes.string(), valueSerde: serdes.int64() })
  return builder.build()
}

/** Adds to each value how often its key has come: `v` becomes `v#3`. */
class Numbering implements Processor<string, string, string, string> {
  #context!: ProcessorContext<string, string>
  #seen!: KeyValueStore<string, number>

  init(context: ProcessorContext<string, string>): void {
    this.#context = context
    this.#seen = context.getStateStore('seen')
  }

  process(record: Record<string, string>): void {
    const times = (this.#seen.get(record.key) ?? 0) + 1
    this.#seen.put(record.key, times)
    this.#context.forward(record.withValue(`${record.value}#${times}`))
  }
}

/**
 * Every eighth record has one of five hot keys, so that calls have to wait for each other; the others are
 * spread widely.
 */
export function asyncInput(records: number): Pair[] {
  return Array.from({ length: records }, (_, at) => [
    at % 8 === 0 ? `hot${at % 5}` : `k${(at * 17) % 1_501}`,
    `v${at}`,
    1_000 + at,
  ])
}

export interface AsyncOutcome {
  /** By partition, in order. */
  readonly out: readonly (readonly string[])[]
  readonly copies: readonly (readonly string[])[]
  readonly counts: { readonly [key: string]: number }
}

/** What must come out, if the calls add a `!`: computed without any of our code but the partitioner. */
export function expectedAsync(input: readonly Pair[], partitionCount: number): AsyncOutcome {
  const copies: string[][] = Array.from({ length: partitionCount }, () => [])
  const counts: { [key: string]: number } = {}
  for (const [key, value, timestamp] of input) {
    const partition = partitionForKey(serdes.string().serialize(key!, { topic: 'in' }), partitionCount)
    counts[key!] = (counts[key!] ?? 0) + 1
    copies[partition]!.push(`${key}=${value}#${counts[key!]}@${timestamp}`)
  }
  return { copies, out: copies.map(lines => lines.map(line => line.replace('@', '!@'))), counts }
}

export async function prepareAsync(
  broker: Broker,
  input: readonly Pair[],
  partitionCount: number,
  prefix = '',
): Promise<void> {
  const topics = { in: partitionCount, copies: partitionCount, out: partitionCount, 'counts-out': 1 }
  const named = Object.entries(topics).map(([topic, count]) => [prefix + topic, count] as const)
  await createTopics(broker, Object.fromEntries(named))
  await produce(broker, `${prefix}in`, partitionCount, input)
}

/** What did come out, for a reader of committed records. */
export async function seenAsync(broker: Broker, partitionCount: number, prefix = ''): Promise<AsyncOutcome> {
  const counts: { [key: string]: number } = {}
  for (const { key, value } of await readAll(broker, `${prefix}counts-out`)) {
    // A sum that falls would mean that a count went back.
    expect(int64Of(value)).toBeGreaterThan(counts[textOf(key)!] ?? 0)
    counts[textOf(key)!] = int64Of(value)!
  }
  return {
    out: await linesOf(broker, `${prefix}out`, partitionCount),
    copies: await linesOf(broker, `${prefix}copies`, partitionCount),
    counts,
  }
}

/** Shows the first difference: the whole of it would fill pages. */
export function expectSameAsync(seen: AsyncOutcome, expected: AsyncOutcome): true {
  for (const topic of ['copies', 'out'] as const) {
    expected[topic].forEach((lines, partition) => {
      const found = seen[topic][partition]!
      const at = lines.findIndex((line, index) => found[index] !== line)
      const place = `${topic}-${partition}`
      if (at >= 0) expect(`${place}[${at}] ${found[at]}`).toBe(`${place}[${at}] ${lines[at]}`)
      expect(`${place}: ${found.length}`).toBe(`${place}: ${lines.length}`)
    })
  }
  expect(seen.counts).toEqual(expected.counts)
  return true
}

export async function linesOf(broker: Broker, topic: string, partitionCount: number): Promise<string[][]> {
  const lines: string[][] = Array.from({ length: partitionCount }, () => [])
  for (const { partition, key, value, timestamp } of await readAll(broker, topic)) {
    lines[partition]!.push(`${textOf(key)}=${textOf(value)}@${timestamp}`)
  }
  return lines
}
