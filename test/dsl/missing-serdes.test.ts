import { describe, expect, it } from 'vitest'
import { openBroker } from '../../lib/broker/open/open-broker.ts'
import { ConfigError } from '../../lib/common/errors/errors.ts'
import { StreamsBuilder } from '../../lib/dsl/methods/streams-builder.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import { KafkaStreams } from '../../lib/streams/kafka-streams.ts'
import { TopologyTestDriver } from '../../lib/testing/topology-test-driver.ts'
import { Topology } from '../../lib/topology/topology.ts'

const text = { keySerde: serdes.string(), valueSerde: serdes.string() }
/** Of the line that it is written in, in this file. */
const here = () => Number(/missing-serdes\.test\.ts:(\d+)/.exec(new Error().stack!.split('\n')[2]!)![1])

/** Each makes a topology, and says which line of it has the fault. */
const FAULTS: readonly { readonly name: string; readonly says: RegExp; make(): [Topology, line: number] }[] =
  [
    {
      name: 'a stream without a value serde',
      says: /node "KSTREAM-SOURCE-0000000000", which reads in, has no valueSerde/,
      make() {
        const builder = new StreamsBuilder()
        const [stream, line] = [builder.stream('in', { keySerde: serdes.string() }), here()]
        stream.to('out', text)
        return [builder.build(), line]
      },
    },
    {
      name: 'an output without serdes, after others',
      says: /node "KSTREAM-SINK-0000000002", which writes out, has no valueSerde/,
      make() {
        const builder = new StreamsBuilder()
        const lengths = builder.stream('in', text).mapValues(value => value.length)
        const [, line] = [lengths.to('out'), here()]
        return [builder.build(), line]
      },
    },
    {
      name: 'a key that was changed, and is grouped',
      says: /node ".*", which (reads|writes) .*by-length-repartition, has no keySerde/,
      make() {
        const builder = new StreamsBuilder()
        const stream = builder.stream('in', text)
        const grouped = stream.groupBy(value => value.length, { name: 'by-length' })
        // The aggregate is what brings the repartition topic with it.
        const [, line] = [grouped.count({ keySerde: serdes.int32() }), here()]
        return [builder.build(), line]
      },
    },
    {
      name: 'a node of the processor API',
      says: /node "reader", which reads in, has no keySerde/,
      make() {
        const topology = new Topology()
        const [, line] = [topology.addSource('reader', { topics: ['in'] }), here()]
        return [topology, line]
      },
    },
  ]

describe.each(FAULTS)('$name', ({ says, make }) => {
  const refusal = (run: () => unknown): ConfigError => {
    try {
      run()
    } catch (error) {
      return error as ConfigError
    }
    throw new Error('it was taken')
  }

  it('is refused where the driver and where the application are made, with the line that has the fault', async () => {
    const [topology, line] = make()
    const broker = await openBroker('memory')
    const errors = [
      refusal(() => new TopologyTestDriver(topology)),
      refusal(() => new KafkaStreams(topology, { applicationId: 'app' }, { broker })),
    ]
    await broker.close()
    for (const error of errors) {
      expect(error).toBeInstanceOf(ConfigError)
      expect(error.code).toBe('SERDE_MISSING')
      expect(error.message).toMatch(says)
      expect(Number(/missing-serdes\.test\.ts:(\d+)/.exec(error.message)?.[1])).toBe(line)
    }
  })

  it('is mended by defaults of the application', async () => {
    const [topology] = make()
    const broker = await openBroker('memory')
    const defaults = { defaultKeySerde: serdes.string(), defaultValueSerde: serdes.string() }
    expect(new KafkaStreams(topology, { applicationId: 'app', ...defaults }, { broker }).state).toBe(
      'created',
    )
    await broker.close()
  })
})
