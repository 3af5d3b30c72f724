import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { hex, utf8 } from '../../lib/common/bytes.ts'
import { murmur3 } from '../../lib/common/hash/murmur3.ts'
import type { BuildOptions } from '../../lib/dsl/options/build-options.ts'
import { subscriptionResponseSerde } from '../../lib/dsl/foreign-key/subscription-response.ts'
import { subscriptionSerde } from '../../lib/dsl/foreign-key/subscription.ts'
import { StreamsBuilder } from '../../lib/dsl/methods/streams-builder.ts'
import type { ProcessorContext } from '../../lib/processor/processor-context.ts'
import { Record } from '../../lib/processor/record.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import { TopologyTestDriver } from '../../lib/testing/topology-test-driver.ts'

// What the golden cases cannot show: keys that are objects, user code that misbehaves, options of Millrace's
// own, malformed bytes.

const strings = { keySerde: serdes.string(), valueSerde: serdes.string() }

describe('dsl: foreign-key joins', () => {
  it('compare foreign keys by their bytes, so objects will do', () => {
    const builder = new StreamsBuilder()
    const ids = serdes.json<{ readonly id: number }>()
    const users = builder.table('users', { keySerde: ids, valueSerde: serdes.string() })
    builder
      .table('orders', strings)
      .join(
        users,
        order => ({ id: Number(order) }),
        (order, user) => `${order}:${user}`,
      )
      .toStream()
      .to('out', strings)
    using driver = new TopologyTestDriver(builder.build(), { config: { cacheBytesMax: 0 } })
    driver
      .createInputTopic('users', { keySerde: ids, valueSerde: serdes.string() })
      .pipeInput({ id: 7 }, 'Ann', { timestamp: 1 })
    const orders = driver.createInputTopic('orders', strings)
    orders.pipeInput('o', '7', { timestamp: 2 })
    orders.pipeInput('o', '7', { timestamp: 3 })
    const out = driver.createOutputTopic('out', strings).readKeyValues()
    expect(out).toEqual([
      ['o', '7:Ann'],
      ['o', '7:Ann'],
    ])
    // One subscription for each order, nothing deleted in between: the keys are equal.
    const topic = driver.producedTopicNames().find(name => name.includes('REGISTRATION')) ?? ''
    expect(driver.producedRecords(topic)).toHaveLength(2)
  })

  it('read what older versions of Kafka Streams have written: no partition in a subscription', () => {
    const bytes = Buffer.concat([Uint8Array.of(0x80, 1), utf8('key')])
    expect(subscriptionSerde.deserialize(bytes, { topic: 't' })).toEqual({
      hash: null,
      instruction: 'delete-and-answer-null',
      primaryKey: Buffer.from('key'),
      primaryPartition: undefined,
    })
  })

  it.each([
    ['of a newer version', Uint8Array.of(2, 0, 0, 0, 0, 0)],
    ['with an unknown instruction', Uint8Array.of(0x81, 9, 0, 0, 0, 0)],
    ['cut off', Uint8Array.of(1, 2, 3)],
    ['empty', new Uint8Array()],
  ])('refuse a subscription %s', (_what, bytes) => {
    expect(() => subscriptionSerde.deserialize(bytes, { topic: 't' })).toThrow(/no known layout/)
  })

  it('refuse a response of another layout', () => {
    const serde = subscriptionResponseSerde(serdes.string())
    expect(() => serde.deserialize(Uint8Array.of(3), { topic: 't' })).toThrow(/no known layout/)
    expect(() => serde.deserialize(Uint8Array.of(0, 1, 2), { topic: 't' })).toThrow(/no known layout/)
  })

  it('hash values as Kafka Streams does (Murmur3 of all tail lengths against its own answers)', () => {
    // From org.apache.kafka.streams.state.internals.Murmur3.hash128 of 4.3.1.
    expect(hex(murmur3(utf8('u1:a')))).toBe('d142b7910ef6509591e149ca18f55606')
    expect(hex(murmur3(utf8('u2:a')))).toBe('7acab1df37e4dfb1299a82543d9dca9b')
    for (const [length, hash] of MURMUR3_OF_COUNTING_BYTES) {
      const bytes = Uint8Array.from({ length }, (_, i) => (i * 37) % 256)
      expect(`${length} ${hex(murmur3(bytes))}`).toBe(`${length} ${hash}`)
    }
  })
})

describe('dsl: value transformers', () => {
  it('cannot forward, and see the time of the row that is looked up', () => {
    const seen: number[] = []
    const builder = new StreamsBuilder()
    let context: ProcessorContext | undefined
    const stamped = builder.table('in', strings).transformValues(() => ({
      init: given => (context = given),
      transform: (value: string | null) => {
        seen.push(context?.recordContext().timestamp ?? -2)
        return value
      },
    }))
    builder
      .stream('clicks', strings)
      .join(stamped, (click, row) => click + row)
      .to('out', strings)
    using driver = new TopologyTestDriver(builder.build())
    driver.createInputTopic('in', strings).pipeInput('k', 'row', { timestamp: 5 })
    driver.createInputTopic('clicks', strings).pipeInput('k', 'click', { timestamp: 90 })
    driver.createInputTopic('clicks', strings).pipeInput('other', 'click', { timestamp: 91 })
    // The row itself, then the lookup of it, then a lookup that finds nothing.
    expect(seen).toEqual([5, 5, -1])
    expect(() => context?.forward(new Record('k', 'v', 1))).toThrow(/cannot forward/)
  })
})

describe('dsl: split', () => {
  it('refuses branches behind the default branch', () => {
    const split = new StreamsBuilder().stream('in', strings).split()
    split.defaultBranch()
    expect(() => split.branch(() => true)).toThrow(/ends with its default branch/)
  })

  it('gives the branches by name, without those whose chain returns nothing', () => {
    const branches = new StreamsBuilder()
      .stream('in', strings)
      .split({ name: 'by-' })
      .branch(value => value === 'a', { name: 'a' })
      .branch(value => value === 'b', { name: 'b', chain: branch => branch.to('b') })
      .branch(value => value === 'c')
      .defaultBranch({ chain: branch => branch.mapValues(value => value.length) })
    expect([...branches.keys()]).toEqual(['by-a', 'by-3', 'by-0'])
  })
})

describe('dsl: print', () => {
  it('adds a line a record to a file, under the name of the node above', () => {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-print-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const filePath = join(folder, 'records')
    const builder = new StreamsBuilder()
    const stream = builder.stream('in', { ...strings, name: 'source' })
    stream.print({ filePath })
    stream.print({ filePath, label: 'mine', format: (value, key) => `${key} -> ${value}` })
    {
      using driver = new TopologyTestDriver(builder.build())
      const topic = driver.createInputTopic('in', strings)
      topic.pipeInput('k', 'v')
      topic.pipeInput(null, null)
    }
    expect(readFileSync(filePath, 'utf8')).toBe(
      '[source]: k, v\n[mine]: k -> v\n[source]: null, null\n[mine]: null -> null\n',
    )
  })
})

describe('dsl: pattern sources', () => {
  it('refuse a topic that another source reads, whichever comes first', () => {
    const patternLast = new StreamsBuilder()
    patternLast.stream('in-1', strings).to('a')
    patternLast.stream(/in-.*/, strings).to('b')
    expect(() => patternLast.build()).toThrow(/"in-1" is read by source/)
    const patternFirst = new StreamsBuilder()
    patternFirst.stream(/in-.*/, strings).to('b')
    patternFirst.stream('in-1', strings).to('a')
    expect(() => patternFirst.build()).toThrow(/"in-1" is read by source/)
  })

  it('match whole names only', () => {
    const builder = new StreamsBuilder()
    builder.stream(/in/, strings).to('out', strings)
    using driver = new TopologyTestDriver(builder.build())
    driver.createInputTopic('in', strings).pipeInput('k', 'v')
    expect(() => driver.createInputTopic('in-1', strings).pipeInput('k', 'v')).toThrow(/no source/)
  })
})

describe('dsl: build options', () => {
  const describeWith = (options: BuildOptions) => {
    const builder = new StreamsBuilder()
    builder
      .stream('in', strings)
      .selectKey(value => value)
      .process<string, string>(() => {
        let context: ProcessorContext<string, string>
        return { init: given => (context = given), process: record => context.forward(record) }
      })
      .groupByKey(strings)
      .count()
    return builder.build(options).describe()
  }

  it('a repartition topic stands before a process unless told otherwise, as in Kafka Streams', () => {
    const before = describeWith({ optimization: 'all' })
    const after = describeWith({ optimization: 'all', enableProcessProcessValueFix: true })
    expect(before).toMatch(/KSTREAM-KEY-SELECT-0000000001 \(stores: \[\]\)\n +--> .*repartition-filter/)
    expect(after).toMatch(/KSTREAM-PROCESSOR-0000000002 \(stores: \[\]\)\n +--> .*repartition-filter/)
  })

  it('an unknown optimization is refused by its name', () => {
    expect(() => new StreamsBuilder().build({ optimization: ['merge.topics' as never] })).toThrow(
      /"merge.topics" is unknown/,
    )
  })

  it('explicit names: says what needs one', () => {
    expect(() => describeWith({ ensureExplicitInternalResourceNaming: true })).toThrow(
      /store "KSTREAM-AGGREGATE-STATE-STORE-0000000003", topic "KSTREAM-AGGREGATE-STATE-STORE-0000000003-repartition"/,
    )
  })
})

const MURMUR3_OF_COUNTING_BYTES: readonly (readonly [number, string])[] = [
  [0, '9d2764a018e329428c3cf3b035938518'],
  [1, 'bf6631567482f28638e702af0fbf73cd'],
  [2, 'bac80eedb4959b382499a89fcf12203f'],
  [3, '56ffbb6b8602c5833ef4e9020600b4e0'],
  [4, 'e7c326988a910868d9fe8307eee2594b'],
  [5, '3f6b865ea7ae9bf4f8f300f026fa4356'],
  [6, '09ca18a6912e5003bac9860c6d717575'],
  [7, '4bbdba3e3e8924e1e5460de6ed7c9d4d'],
  [8, '1aaa4cc54ef0dc1e77cd3a6675a962bf'],
  [9, '97bc1cd7f1561e8bb2d5eabe4a4f7d41'],
  [10, '76a6e6a7e99fb6edf74e18355889fb0e'],
  [11, '341b3d251e94476c2519b00542b0a4bb'],
  [12, '59472d100c2b6fca8359fb59068cf5e7'],
  [13, '8445fe9b4a16e9dfadab55bdaf873158'],
  [14, 'ac648c7b49f7ffe06f26b6e3dc35d50a'],
  [15, '0de6450c86550a5187d4ca36ea7e1c61'],
  [16, '1a53f6a8869364caaf9b363629736d45'],
  [17, '26368d9c4246bc2c25bf52bc43828d15'],
  [18, 'e6bac42fb5378d7f6f90a49fbafa2035'],
  [19, 'c79d75ccb910d8e31b12d9ce3fe8f413'],
  [20, '00d3fe37c742ac990d71c294463fb7e6'],
  [21, 'd62040c760d12aa3441600f625a05a03'],
  [22, 'be0ad79d4642e80366c4cd37ea541e54'],
  [23, 'fed30e35095bc64ea060d84f69e66a78'],
  [24, '8da1489ef431c5e71b850766d3ff8ccb'],
  [25, '8fadc4cf432144e5741de3de70622433'],
  [26, '02259dfee454040e796480da66f323df'],
  [27, '68327595840d1a47f1bbc6280168f441'],
  [28, 'dec15ef6c4386c8a3a44478f396ff085'],
  [29, '2c74f56293292549fd3dfc8f909d6ce1'],
  [30, 'f40cdbb0d6f195dd3a2ece3801a079f8'],
  [31, '1a6ead7396352c8dec5f80f89bf45bf4'],
  [32, '6e69f3f6099ea986482edad4809ff238'],
  [33, '4ddb4823810d597bd85f7be2f83a5671'],
]
