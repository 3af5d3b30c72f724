import { TopologyTestDriver } from 'millrace/testing'
import { expect, it } from 'vitest'
import { clickSerdes, totalSerdes, totalsByButton } from '../src/topology.ts'

it('counts clicks by button', () => {
  using driver = new TopologyTestDriver(totalsByButton())
  const clicks = driver.createInputTopic('clicks', clickSerdes)
  const totals = driver.createOutputTopic('totals', totalSerdes)
  clicks.pipeInput(null, { button: 'red' })
  clicks.pipeInput(null, { button: 'blue' })
  clicks.pipeInput(null, { button: 'red' })
  expect(totals.readKeyValues()).toEqual([
    ['red', 1],
    ['blue', 1],
    ['red', 2],
  ])
})
