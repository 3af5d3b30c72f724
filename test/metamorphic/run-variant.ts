import { expect } from 'vitest'
import { BrokerError } from '../../lib/broker/broker-error.ts'
import type { Broker } from '../../lib/broker/broker.ts'
import { openEmbeddedBroker } from '../../lib/broker/embedded/embedded-broker.ts'
import type { Interceptor } from '../../lib/broker/embedded/state/interceptions.ts'
import { consoleLogger, silentLogger } from '../../lib/common/logger.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import { KafkaStreams } from '../../lib/streams/kafka-streams.ts'
import { TopologyTestDriver } from '../../lib/testing/topology-test-driver.ts'
import { eventually } from '../support/eventually.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { createTopics, int64Of, produce, readAll, textOf } from '../support/topics.ts'
import { buildProgram, type BuildVariant } from './build-program.ts'
import { isStreamOp, type Program } from './random-program.ts'
import type { SeededRandom } from '../support/seeded-random.ts'

export interface Variant extends BuildVariant {
  readonly cacheBytesMax: number
  readonly partitionCount: 1 | 3
  readonly guarantee: 'exactly-once' | 'at-least-once'
  /** How often the run is disturbed: the thread dies in the middle of a commit, or the broker refuses one. */
  readonly crashes: number
}

/** By output topic: the last value of each key, without those that were deleted. */
export type FinalTables = { readonly [topic: string]: { readonly [key: string]: number } }

export function randomVariant(random: SeededRandom): Variant {
  const guarantee = random.pick(['exactly-once', 'exactly-once', 'at-least-once'] as const)
  return {
    storeType: random.pick(['persistent', 'in-memory'] as const),
    optimization: random.pick(['none', 'all'] as const),
    cacheBytesMax: random.pick([0, 2_000, 10_000_000]),
    partitionCount: random.pick([1, 3] as const),
    guarantee,
    // At-least-once may count a record again after a crash, as it says.
    crashes: guarantee === 'exactly-once' ? random.below(4) : 0,
  }
}

/** What the test driver says: one task, nothing cached, one record after the other in order of time. */
export function expectedTables(program: Program): FinalTables {
  using driver = new TopologyTestDriver(
    buildProgram(program, { storeType: 'in-memory', optimization: 'none' }),
  )
  const text = { keySerde: serdes.string(), valueSerde: serdes.string() }
  const all = Object.entries(program.inputs).flatMap(([topic, pairs]) =>
    pairs.map(([key, value, timestamp]) => ({ topic, key, value, timestamp: timestamp! })),
  )
  for (const { topic, key, value, timestamp } of all) {
    driver.createInputTopic(topic, text).pipeInput(key!, value!, { timestamp })
  }
  const tables: { [topic: string]: { [key: string]: number } } = {}
  for (const topic of outputTopics(program)) {
    const format = { keySerde: serdes.string(), valueSerde: serdes.int64() }
    const records = driver.createOutputTopic(topic, format).readKeyValues()
    tables[topic] = lastValues(records.map(([key, value]) => [key!, value]))
  }
  return tables
}

/**
 * Runs the program as an application, and compares what it comes to with `expected`, before it is closed and
 * after.
 */
export async function expectVariant(
  program: Program,
  variant: Variant,
  expected: FinalTables,
  random: SeededRandom,
): Promise<void> {
  const trouble = new Trouble(variant.crashes, random)
  await using broker = disposable(await openEmbeddedBroker({ interceptor: trouble.intercept }))
  await prepare(broker, program, variant)
  const streams = new KafkaStreams(
    buildProgram(program, variant),
    {
      applicationId: 'metamorphic',
      stateDir: await temporaryDirectory(),
      processingGuarantee: variant.guarantee,
      cacheBytesMax: variant.cacheBytesMax,
      commitIntervalMs: 5,
      positionIntervalMs: 10,
      maxPollRecords: 20,
      bufferedRecordsPerPartition: 20,
    },
    {
      broker,
      logger: process.env['MILLRACE_TEST_LOG'] ? consoleLogger('debug') : silentLogger,
      onUncaughtError: () => 'replace-thread',
      commitProbe: trouble.probe,
    },
  )
  try {
    await streams.start()
    await eventually(async () => expectSame(await seenTables(broker, program), expected))
  } finally {
    await streams.close()
  }
  expectSame(await seenTables(broker, program), expected)
}

/** Ends the thread in the middle of a commit, or refuses the commit, a few times over. */
class Trouble {
  readonly #random: SeededRandom
  #left: number

  constructor(times: number, random: SeededRandom) {
    this.#left = times
    this.#random = random
  }

  readonly probe = (): void => {
    if (this.#strikes(0.05)) throw new Error('the thread dies here')
  }

  readonly intercept: Interceptor = ({ operation, clientId }) => {
    if (operation !== 'end-transaction' || clientId?.startsWith('test')) return
    if (this.#strikes(0.2)) throw new BrokerError('INVALID_TXN_STATE', 'abortable', 'sabotage')
  }

  #strikes(probability: number): boolean {
    if (this.#left === 0 || !this.#random.chance(probability)) return false
    this.#left -= 1
    return true
  }
}

async function prepare(broker: Broker, program: Program, { partitionCount }: Variant): Promise<void> {
  const topics = [...Object.keys(program.inputs), ...outputTopics(program)]
  await createTopics(broker, Object.fromEntries(topics.map(topic => [topic, partitionCount])))
  for (const [topic, pairs] of Object.entries(program.inputs)) {
    await produce(broker, topic, partitionCount, pairs)
  }
}

async function seenTables(broker: Broker, program: Program): Promise<FinalTables> {
  const tables: { [topic: string]: { [key: string]: number } } = {}
  for (const topic of outputTopics(program)) {
    const records = await readAll(broker, topic)
    tables[topic] = lastValues(records.map(({ key, value }) => [textOf(key)!, int64Of(value)]))
  }
  return tables
}

function outputTopics({ steps }: Program): string[] {
  const made = steps.filter(({ op }) => op !== 'stream' && !isStreamOp(op))
  return made.map((_, at) => `out${at}`)
}

function lastValues(changes: readonly (readonly [key: string, value: number | null])[]) {
  const table = new Map<string, number>()
  for (const [key, value] of changes) {
    if (value === null) table.delete(key)
    else table.set(key, value)
  }
  return Object.fromEntries([...table].sort())
}

function expectSame(seen: FinalTables, expected: FinalTables): true {
  expect(differences(seen, expected)).toEqual([])
  return true
}

function differences(seen: FinalTables, expected: FinalTables): string[] {
  return Object.entries(expected).flatMap(([topic, table]) => {
    const found = seen[topic] ?? {}
    const keys = [...new Set([...Object.keys(table), ...Object.keys(found)])]
    return keys
      .filter(key => found[key] !== table[key])
      .map(key => `${topic} ${key}: ${found[key] ?? 'absent'} instead of ${table[key] ?? 'absent'}`)
  })
}

function disposable<T extends Broker>(broker: T): T & AsyncDisposable {
  return Object.assign(broker, { [Symbol.asyncDispose]: () => broker.close() })
}
