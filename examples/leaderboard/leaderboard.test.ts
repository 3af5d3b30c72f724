import { TopologyTestDriver } from 'millrace/testing'
import { expect, test } from 'vitest'
import topology, { boardSerdes, pointSerdes, totals } from './leaderboard.ts'

test('the three best, every ten seconds', () => {
  using driver = new TopologyTestDriver(topology)
  const points = driver.createInputTopic('points', { ...pointSerdes, autoAdvanceMs: 1 })
  const boards = driver.createOutputTopic('boards', boardSerdes)
  points.pipeInput('ada', 5)
  boards.readRecords()

  points.pipeInput('bob', 7)
  points.pipeInput('cy', 1)
  points.pipeInput('dee', 9)
  points.pipeInput('ada', 20)
  expect(boards.isEmpty).toBe(true)
  // The record that moves the time on counts already.
  points.pipeInput('cy', 100, { timestamp: 10_000 })
  expect(boards.readRecord()).toMatchObject({ value: ['cy 101', 'ada 25', 'dee 9'], timestamp: 10_000 })
  expect(driver.store<string, number>(totals.name).get('cy')).toBe(101)
})
