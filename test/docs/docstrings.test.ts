import { readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { serdes, type KStream, type KTable } from '../../lib/index.ts'
import { TopologyTestDriver } from '../../lib/testing.ts'
import type { StreamsBuilder } from '../../lib/dsl/methods/streams-builder.ts'
import { checkTypes } from './check-types.ts'
import { docstringExamplesOf, returningLast, type DocstringExample } from './docstring-examples.ts'
import { showKey, showValue } from './show-field.ts'
import { userFolder } from './user-folder.ts'

const FILES = [
  'lib/dsl/methods/streams-builder.ts',
  'lib/dsl/api/kstream.ts',
  'lib/streams/kafka-streams.ts',
  'lib/testing/test-topics.ts',
  'lib/testing/topology-test-driver.ts',
]

/** The methods that are used most: each shows what a call looks like. */
const METHODS: { readonly [kind: string]: string } = {
  StreamsBuilder: 'stream table globalTable',
  KStream:
    'filter map mapValues flatMapValues merge split groupByKey groupBy join leftJoin toTable to process mapValuesAsync deduplicate gather',
  KGroupedStream: 'count reduce aggregate windowedBy',
  KTable: 'toStream suppress',
  KafkaStreams: 'store start',
  TestInputTopic: 'pipeInput',
  TopologyTestDriver: 'createInputTopic',
}

/** What every example that says what comes out is given, in this order, with the time. */
const INPUTS: readonly (readonly [topic: string, key: string, value: unknown, timestamp: number])[] = [
  ['titles', '/a', 'Home', 0],
  ['authors', '/a', 'Eve', 0],
  ['users', 'ada', { name: 'Ada' }, 0],
  ['users', 'eve', { name: 'Eve' }, 0],
  ['users', 'eve', null, 0],
  ['prices', 'tea', 250, 0],
  ['prices', 'tea', null, 0],
  ['views', 'ada', { page: '/a', ms: 250 }, 0],
  ['views', 'bob', { page: '/b', ms: 50 }, 0],
  ['lines', 'ada', 'to be', 0],
  ['clicks', 'ada', 1, 0],
  ['clicks', 'bob', 2, 0],
  ['likes', 'bob', 4, 0],
  ['clicks', 'ada', 3, 60_000],
]

const SERDES = { keySerde: serdes.string(), valueSerde: serdes.json<unknown>() }
const EXAMPLES = FILES.flatMap(docstringExamplesOf)
const SHOWN = EXAMPLES.filter(({ outputs }) => outputs !== undefined)

interface Example {
  readonly builder: StreamsBuilder
  /** Value of the example's last expression. */
  readonly result: unknown
}

const SCENE = readFileSync(new URL('docstring-scene.ts', import.meta.url), 'utf8')

/** An example as a module, whose function makes it anew. */
const moduleOf = ({ code = '' }: DocstringExample) => `
import { joinWindows, serdes, timeWindows, untilWindowCloses } from 'millrace'
import type { Processor, ProcessorContext, Record } from 'millrace'
import { driver, scene, streams, type User, type View } from './docstring-scene.ts'

export default async () => {
  const { builder, views, clicks, likes, lines, users, titles } = scene()
  const example = async () => {
${returningLast(code)}
  }
  return { builder, result: await example() }
}
`

/** As "kstream-61.ts", so that the compiler says where an example is wrong. */
const fileNameOf = ({ place }: DocstringExample) => `${basename(place).replace('.ts:', '-')}.ts`

/** A user's folder with a module of each of these, and what they use. */
function folderOf(examples: readonly DocstringExample[]): Promise<string> {
  const modules = examples.map(example => [fileNameOf(example), moduleOf(example)] as const)
  return userFolder(new Map([['docstring-scene.ts', SCENE], ...modules]))
}

const isTable = (result: unknown): result is KTable<unknown, unknown> =>
  typeof result === 'object' && result !== null && 'toStream' in result

/** What comes out of the stream or table that the example ends with, as examples write it. */
async function outputsOf({ builder, result }: Example): Promise<string> {
  const seen: string[] = []
  const stream = isTable(result) ? result.toStream() : (result as KStream<unknown, unknown>)
  stream.forEach((value, key) => void seen.push(`${showKey(key)} → ${showValue(value)}`))
  const topology = builder.build()
  const { subtopologies, globalSubtopologies } = topology.plan('test-application')
  const topics = [...subtopologies, ...globalSubtopologies].flatMap(({ sourceTopics }) => sourceTopics)
  const config = { defaultKeySerde: SERDES.keySerde, defaultValueSerde: SERDES.valueSerde }
  using driver = new TopologyTestDriver(topology, { config })
  for (const [topic, key, value, timestamp] of INPUTS)
    if (topics.includes(topic)) driver.createInputTopic(topic, SERDES).pipeInput(key, value, { timestamp })
  await driver.settled()
  return seen.join(', ')
}

describe('examples in docstrings', () => {
  it('are there for the methods that are used most', () => {
    const wanted = Object.entries(METHODS).flatMap(([kind, names]) =>
      names.split(' ').map(name => `${kind}.${name}`),
    )
    const shown = new Set(EXAMPLES.map(({ method }) => method))
    expect(wanted.filter(method => !shown.has(method))).toEqual([])
  })

  it('are one block of `ts` of at most 6 lines', () => {
    const wrong = EXAMPLES.filter(({ code }) => code === undefined || code.split('\n').length > 6)
    expect(wrong.map(({ place }) => place)).toEqual([])
  })

  it('hold to the types', async () => {
    await checkTypes(await folderOf(EXAMPLES), EXAMPLES.map(fileNameOf))
  })

  it('show what comes out', () => expect(SHOWN.length).toBeGreaterThanOrEqual(10))

  it.each(SHOWN)('$method ($place) gives what it says', async example => {
    const file = join(await folderOf([example]), fileNameOf(example))
    const { default: make } = (await import(/* @vite-ignore */ file)) as {
      readonly default: () => Promise<Example>
    }
    expect(await outputsOf(await make())).toBe(example.outputs)
  })
})
