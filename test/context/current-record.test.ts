import { describe, expect, it } from 'vitest'
import { fixedBackoff } from '../../lib/common/backoff.ts'
import { currentRecord } from '../../lib/common/context/current-record.ts'
import { StreamsBuilder } from '../../lib/dsl/methods/streams-builder.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import { TopologyTestDriver } from '../../lib/testing/topology-test-driver.ts'

const TEXT = { keySerde: serdes.string(), valueSerde: serdes.string() }

/** Where user code is told to be: topic and offset. */
const place = () => {
  const record = currentRecord()
  return record && `${record.topic}@${record.offset}`
}

function driverOf(build: (builder: StreamsBuilder) => void, asyncContext = false): TopologyTestDriver {
  const builder = new StreamsBuilder()
  build(builder)
  return new TopologyTestDriver(builder.build(), { config: { asyncContext } })
}

describe('currentRecord', () => {
  it('is the record in functions of a topology, and undefined behind them', () => {
    const seen: (string | undefined)[] = []
    const driver = driverOf(builder =>
      builder
        .stream<string, string>('in', TEXT)
        .peek(() => seen.push(place()))
        .filter(() => seen.push(place()) > 0)
        .groupByKey(TEXT)
        .aggregate(
          () => '',
          () => {
            seen.push(place())
            return ''
          },
          TEXT,
        ),
    )
    const input = driver.createInputTopic<string, string>('in', TEXT)
    input.pipeInput('a', '1')
    expect(place()).toBeUndefined()
    input.pipeInput('a', '2')
    expect(seen).toEqual(['in@0', 'in@0', 'in@0', 'in@1', 'in@1', 'in@1'])
  })

  it('is gone where a function throws', () => {
    const driver = driverOf(builder =>
      builder.stream<string, string>('in', TEXT).forEach(() => {
        throw new Error('no')
      }),
    )
    expect(() => driver.createInputTopic<string, string>('in', TEXT).pipeInput('a', '1')).toThrow('no')
    expect(place()).toBeUndefined()
  })

  it.each([
    [true, ['in@0', 'in@1']],
    [false, [undefined, undefined]],
  ])('in asynchronous calls, with asyncContext %s', async (asyncContext, expected) => {
    const seen: (string | undefined)[] = []
    const driver = driverOf(
      builder =>
        builder.stream<string, string>('in', TEXT).mapValuesAsync(async value => {
          await Promise.resolve()
          seen.push(place())
          return value
        }),
      asyncContext,
    )
    const input = driver.createInputTopic<string, string>('in', TEXT)
    for (const value of ['1', '2']) input.pipeInput('a', value)
    await driver.settled()
    expect(seen).toEqual(expected)
    expect(place()).toBeUndefined()
  })

  it('is that of the parked record at a later try', async () => {
    const seen: (string | undefined)[] = []
    const driver = driverOf(
      builder =>
        builder.stream<string, string>('in', TEXT).mapValuesAsync(
          async (value, _key, { attempt }) => {
            await Promise.resolve()
            seen.push(`${value} ${place()}`)
            if (attempt === 1) throw new Error('not yet')
            return value
          },
          { name: 'again', retry: { attempts: 2, backoff: fixedBackoff({ delayMs: 10 }) } },
        ),
      true,
    )
    const input = driver.createInputTopic<string, string>('in', TEXT)
    for (const value of ['1', '2']) input.pipeInput(value, value)
    await driver.advance(20)
    expect(seen.slice(0, 2)).toEqual(['1 in@0', '2 in@1'])
    expect(seen.slice(2).sort()).toEqual(['1 in@0', '2 in@1'])
  })
})
