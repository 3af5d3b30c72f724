import { expect } from 'vitest'
import type { Broker } from '../../lib/broker/broker.ts'
import { fixedBackoff } from '../../lib/common/backoff.ts'
import { utf8Text } from '../../lib/common/bytes.ts'
import { StreamsBuilder } from '../../lib/dsl/methods/streams-builder.ts'
import type { AsyncCall } from '../../lib/dsl/options/async-functions.ts'
import type { RetryOptions } from '../../lib/dsl/options/retry-options.ts'
import { readLetter } from '../../lib/processor/letter.ts'
import { NonRetriableError } from '../../lib/processor/retry-errors.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import type { Topology } from '../../lib/topology/topology.ts'
import { createTopics, produce, readAll, textOf, type Pair } from './topics.ts'

const TEXT = { keySerde: serdes.string(), valueSerde: serdes.string() }
const ATTEMPTS = 4

/** What becomes of a record: told by its number, so that every process knows the same. */
export type Fate = 'at once' | 'after two failures' | 'gave-up' | 'non-retriable'

/** A record whose call ends the process, where a test has it. */
export const POISON = 'poison'

export function fateOf(value: string): Fate {
  const number = Number(value.slice(1))
  if (number % 33 === 7) return 'gave-up'
  if (number % 50 === 11) return 'non-retriable'
  return number % 5 === 3 ? 'after two failures' : 'at once'
}

/** A provider that fails as the fate of each record says. */
export async function charge(value: string, _key: string, { attempt }: AsyncCall): Promise<string> {
  await new Promise(resolve => setTimeout(resolve, Number(value.slice(1)) % 4))
  if (value === POISON) process.kill(process.pid, 'SIGKILL')
  const fate = fateOf(value)
  if (fate === 'non-retriable') throw new NonRetriableError(`no ${value}`)
  if (fate === 'gave-up' || (fate === 'after two failures' && attempt <= 2)) throw new Error(`not ${value}`)
  return `${value}!`
}

/** `prefix`: of the topics' names, where they share a broker with those of other tests. */
export function retrySubject(retry: Partial<RetryOptions> = {}, prefix = ''): Topology {
  const builder = new StreamsBuilder()
  builder
    .stream<string, string>(`${prefix}in`, TEXT)
    .mapValuesAsync(charge, {
      name: 'charge',
      concurrency: 16,
      retry: { backoff: fixedBackoff({ delayMs: 5 }), attempts: ATTEMPTS, ...retry },
    })
    .to(`${prefix}out`, TEXT)
  return builder.build()
}

/** Forty keys, each with a row of records. */
export function retryInput(records: number): Pair[] {
  return Array.from({ length: records }, (_, at) => [`k${at % 40}`, `v${at}`, 1_000 + at])
}

export async function prepareRetry(
  broker: Broker,
  input: readonly Pair[],
  partitionCount: number,
  prefix = '',
): Promise<void> {
  await createTopics(broker, { [`${prefix}in`]: partitionCount, [`${prefix}out`]: partitionCount })
  await produce(broker, `${prefix}in`, partitionCount, input)
}

/** How many records have an output or a letter, for a reader of committed records. */
export async function countFates(broker: Broker, applicationId: string, prefix = ''): Promise<number> {
  const [out, letters] = await Promise.all([
    readAll(broker, `${prefix}out`),
    readAll(broker, `${applicationId}-charge-dlq`),
  ])
  const values = out.map(({ value }) => textOf(value))
  const ids = letters.map(record => readLetter(record)?.id)
  return new Set(values).size + new Set(ids).size
}

/** Each record is output or letter, once, and outputs of a key are in its order, as letters are. */
export async function expectFates(
  broker: Broker,
  input: readonly Pair[],
  applicationId: string,
  prefix = '',
): Promise<void> {
  const out = await readAll(broker, `${prefix}out`)
  const letters = (await readAll(broker, `${applicationId}-charge-dlq`)).map(record => readLetter(record)!)
  const succeeded = input.flatMap(([, value]) => (isLetter(fateOf(value!)) ? [] : [`${value}!`]))
  const values = out.map(({ value }) => textOf(value)!)
  expect([...values].sort()).toEqual([...succeeded].sort())
  const given = letters.map(({ value, reason, attempts }) => `${utf8Text(value!)} ${reason} ${attempts}`)
  const expected = input.flatMap(([, value]) => {
    const fate = fateOf(value!)
    return isLetter(fate) ? [`${value} ${fate} ${fate === 'gave-up' ? ATTEMPTS : 1}`] : []
  })
  expect([...given].sort()).toEqual([...expected].sort())
  for (const [key, numbers] of byKey(out.map(({ key, value }) => [textOf(key)!, textOf(value)!])))
    expect(numbers, `outputs of ${key}`).toEqual([...numbers].sort((left, right) => left - right))
}

function isLetter(fate: Fate): fate is 'gave-up' | 'non-retriable' {
  return fate === 'gave-up' || fate === 'non-retriable'
}

function byKey(pairs: readonly (readonly [string, string])[]): Map<string, number[]> {
  const lists = new Map<string, number[]>()
  for (const [key, value] of pairs) {
    const numbers = lists.get(key) ?? []
    numbers.push(Number(value.slice(1, -1)))
    lists.set(key, numbers)
  }
  return lists
}
