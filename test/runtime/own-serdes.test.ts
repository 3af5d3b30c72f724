import { describe, expect, it } from 'vitest'
import { StreamsBuilder } from '../../lib/dsl/methods/streams-builder.ts'
import type { Serde } from '../../lib/serde/serde.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import { TopologyTestDriver } from '../../lib/testing/topology-test-driver.ts'

const string = serdes.string()
const strings = { keySerde: string, valueSerde: string }

/** A serde of a program without types. */
function own(methods: { readonly [method: string]: (...given: never[]) => unknown }): Serde<string> {
  const { name, serialize, deserialize } = string
  return { name: `own-${name}`, serialize, deserialize, ...methods } as Serde<string>
}

const failed = () => Promise.reject(new Error('of the serde'))

function copied(serde: Serde<string>, sides: { readonly read: boolean }) {
  const builder = new StreamsBuilder()
  const valueSerde = serde
  builder
    .stream('in', sides.read ? { ...strings, valueSerde } : strings)
    .to('out', sides.read ? strings : { ...strings, valueSerde })
  const driver = new TopologyTestDriver(builder.build())
  driver.createInputTopic('in', strings).pipeInput('key', 'value', { timestamp: 1 })
}

describe('serdes of the program’s own', () => {
  it('that return a promise when they read are refused by the handler of deserialization errors', () => {
    const cause = expect.objectContaining({ name: 'AsyncCallbackError' }) as unknown
    const failure = { code: 'DESERIALIZATION_FAILED', cause }
    expect(() => copied(own({ deserialize: failed }), { read: true })).toThrow(
      expect.objectContaining({ ...failure, message: expect.stringMatching(/in-0@0.*own-string.*"in"/) }),
    )
  })

  it.each([
    ['a promise', failed],
    ['text', () => 'text'],
    ['nothing', () => undefined],
  ])('that write %s are refused by the handler of production errors', (_what, serialize) => {
    expect(() => copied(own({ serialize }), { read: false })).toThrow(
      expect.objectContaining({
        code: 'PRODUCTION_FAILED',
        message: expect.stringMatching(/"out".*own-string.*Uint8Array/),
      }),
    )
  })

  it.each(['serialize', 'deserialize'])('whose %s is an async function are refused at the start', method => {
    const serde = own({ [method]: async () => Promise.resolve(null) })
    const expected = new RegExp(`^${method} of the serde "own-string" is an async function`)
    expect(() => copied(serde, { read: true })).toThrow(expected)
    const builder = new StreamsBuilder()
    builder
      .table('in', { ...strings, storeName: 'rows' })
      .toStream()
      .to('out', { keySerde: serde })
    expect(() => new TopologyTestDriver(builder.build())).toThrow(expected)
    const kept = new StreamsBuilder()
    kept
      .stream('in', strings)
      .groupByKey()
      .aggregate(
        () => '',
        () => '',
        { valueSerde: serde },
      )
    expect(() => new TopologyTestDriver(kept.build())).toThrow(expected)
    expect(() => serdes.windowed(serde, 1)).toThrow(expected)
  })
})
