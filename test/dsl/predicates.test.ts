import { describe, expect, it } from 'vitest'
import type { KStream, KTable } from '../../lib/dsl/api/kstream.ts'
import { StreamsBuilder } from '../../lib/dsl/methods/streams-builder.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import { TopologyTestDriver } from '../../lib/testing/topology-test-driver.ts'

const strings = { keySerde: serdes.string(), valueSerde: serdes.string() }

/** What programs without types return for "yes" and "no". */
const ANSWERS: { readonly [value: string]: unknown } = {
  true: true,
  one: 1,
  text: 'found',
  object: {},
  false: false,
  zero: 0,
  empty: '',
  nothing: undefined,
  null: null,
  nan: NaN,
}
const YES = ['true', 'one', 'text', 'object']
const NO = ['false', 'zero', 'empty', 'nothing', 'null', 'nan']

const answer = (value: string) => ANSWERS[value] as boolean

/** Each value once under its own name as key; what comes out. */
function valuesOut(build: (builder: StreamsBuilder) => KStream<string, string | null>): unknown[] {
  const builder = new StreamsBuilder()
  build(builder).to('out', strings as never)
  using driver = new TopologyTestDriver(builder.build(), { config: { cacheBytesMax: 0 } })
  const input = driver.createInputTopic('in', strings)
  for (const value of Object.keys(ANSWERS)) input.pipeInput(value, value, { timestamp: 1 })
  return driver
    .createOutputTopic('out', strings)
    .readKeyValues()
    .map(([, value]) => value)
    .filter(value => value !== null)
}

const stream = (builder: StreamsBuilder) => builder.stream('in', strings)
const table = (builder: StreamsBuilder): KTable<string, string> => builder.table('in', strings)

describe('dsl: predicates hold by truth', () => {
  it.each([
    ['filter', YES, (builder: StreamsBuilder) => stream(builder).filter(answer)],
    ['filterNot', NO, (builder: StreamsBuilder) => stream(builder).filterNot(answer)],
    ['a table’s filter', YES, (builder: StreamsBuilder) => table(builder).filter(answer).toStream()],
    ['a table’s filterNot', NO, (builder: StreamsBuilder) => table(builder).filterNot(answer).toStream()],
    [
      'a table’s filter that is kept in a store',
      YES,
      (builder: StreamsBuilder) => table(builder).filter(answer, { storeName: 'kept' }).toStream(),
    ],
    [
      'branches',
      YES,
      (builder: StreamsBuilder) =>
        stream(builder)
          .split({ name: 'by-' })
          .branch(answer, { name: 'truth' })
          .noDefaultBranch()
          .get('by-truth')!,
    ],
  ])('in %s', (_name, expected, build) => {
    expect(valuesOut(build)).toEqual(expected)
  })
})
