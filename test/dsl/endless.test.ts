import { expect, it } from 'vitest'
import { Record, StreamRecord } from '../../lib/index.ts'
import { StreamsBuilder } from '../../lib/dsl/methods/streams-builder.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import { TopologyTestDriver } from '../../lib/testing/topology-test-driver.ts'

const text = { keySerde: serdes.string(), valueSerde: serdes.string() }

function feedingItself(goesOn: (value: string) => boolean, stepsMax?: number) {
  const builder = new StreamsBuilder()
  builder
    .stream('in', text)
    .filter(goesOn)
    .mapValues(value => `${value}x`)
    .to('in', text)
  const driver = new TopologyTestDriver(builder.build(), stepsMax === undefined ? {} : { stepsMax })
  return { driver, input: driver.createInputTopic('in', text) }
}

it('a topology that writes to its own source for ever ends with an error that names the topic', () => {
  const { driver, input } = feedingItself(() => true, 50)
  expect(() => input.pipeInput('key', 'value')).toThrow(
    expect.objectContaining({
      code: 'ENDLESS_TOPOLOGY',
      message: expect.stringMatching(/50 records.*"in".*stepsMax/),
    }),
  )
  driver.close()
})

it('one that ends the circle is let go on, with as many records as are meant', () => {
  const { driver, input } = feedingItself(value => value.length < 50, 60)
  input.pipeInput('key', '')
  expect(driver.producedRecords('in')).toHaveLength(50)
  driver.close()
})

it('records have a name that does not hide the type of TypeScript', () => {
  expect(StreamRecord).toBe(Record)
})
