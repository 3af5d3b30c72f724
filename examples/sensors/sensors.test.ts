import { serdes } from 'millrace'
import { TopologyTestDriver } from 'millrace/testing'
import { expect, test } from 'vitest'
import { averages, averageSchema, config, readingSchema } from './sensors.ts'

// Plain Avro: the registry's id before each record is all that it leaves out.
const keySerde = serdes.string()
const reading = serdes.avro(readingSchema)
const average = serdes.avro(averageSchema)

test('a minute is told when it is over, with what came late, and without what came too late', () => {
  using driver = new TopologyTestDriver(averages(reading, average), { config })
  const readings = driver.createInputTopic('readings', { keySerde, valueSerde: reading })
  const told = driver.createOutputTopic('averages', { keySerde, valueSerde: average })
  const read = (celsius: number, atMs: number) => readings.pipeInput('s1', { celsius, atMs })

  read(10, 1_000)
  read(20, 61_000)
  read(30, 2_000)
  expect(told.isEmpty).toBe(true)
  read(15, 71_000)
  expect(told.readKeyValues()).toEqual([['s1', { fromMs: 0, count: 2, mean: 20, max: 30 }]])
  read(99, 3_000)
  expect(told.isEmpty).toBe(true)
  expect(driver.metricTotal('dropped-records-total')).toBe(1)
})

test('what cannot be read, or be true, is put aside with its reason', () => {
  using driver = new TopologyTestDriver(averages(reading, average), { config })
  const readings = driver.createInputTopic('readings', { keySerde, valueSerde: reading })
  const refused = driver.createOutputTopic('refused', { keySerde, valueSerde: serdes.bytes() })

  driver.createInputTopic('readings', { keySerde, valueSerde: serdes.string() }).pipeInput('s1', '?')
  readings.pipeInput('s2', { celsius: -300, atMs: 1_000 })
  const reasons = refused.readRecords().map(({ key, headers }) => {
    const message = headers.find(header => header.key === '__streams.errors.message')
    return `${key}: ${Buffer.from(message!.value!).toString()}`
  })
  expect(reasons).toEqual([expect.stringMatching(/^s1: .*Avro/), 's2: a reading of -300 °C'])
})
