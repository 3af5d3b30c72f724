import { serdes } from 'millrace'
import { TopologyTestDriver } from 'millrace/testing'
import { expect, it } from 'vitest'
import { averages } from '../src/app.ts'
import { plainAvro, type Reading } from '../src/schemas.ts'

const keySerde = serdes.string()

it('writes readings as Avro, and their averages by sensor', () => {
  using driver = new TopologyTestDriver(averages())
  const json = driver.createInputTopic('readings-json', { keySerde, valueSerde: serdes.json<Reading>() })
  const readings = driver.createOutputTopic('readings', { keySerde, valueSerde: plainAvro.reading })
  const results = driver.createOutputTopic('averages', { keySerde, valueSerde: plainAvro.average })
  json.pipeInput(null, { sensor: 'north', celsius: 18 })
  json.pipeInput(null, { sensor: 'north', celsius: 20 })
  expect(readings.readKeyValues().at(-1)).toEqual(['north', { sensor: 'north', celsius: 20 }])
  expect(results.readKeyValues()).toEqual([
    ['north', { count: 1, celsius: 18 }],
    ['north', { count: 2, celsius: 19 }],
  ])
})
