import { serdes } from 'millrace'
import { TopologyTestDriver } from 'millrace/testing'
import { expect, it } from 'vitest'
import topology from '../src/app.ts'

it('counts words', () => {
  using driver = new TopologyTestDriver(topology)
  const lines = driver.createInputTopic('lines', { keySerde: serdes.string(), valueSerde: serdes.string() })
  const counts = driver.createOutputTopic('word-counts', {
    keySerde: serdes.string(),
    valueSerde: serdes.int64(),
  })
  lines.pipeInput(null, 'Hello, hello world')
  expect(counts.readKeyValues()).toEqual([
    ['hello', 1],
    ['hello', 2],
    ['world', 1],
  ])
})
