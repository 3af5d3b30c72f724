import { TopologyTestDriver } from 'millrace/testing'
import { expect, test } from 'vitest'
import topology, { clickSerdes, nameSerdes, visits, visitSerdes } from './sessions.ts'

const TEN = Date.parse('2026-01-01T10:00:00Z')
const at = (minute: number) => new Date(TEN + minute * 60_000).toISOString()

test('a visit is told once, when it is over, with what came late', () => {
  using driver = new TopologyTestDriver(topology)
  const clicks = driver.createInputTopic('clicks', clickSerdes)
  const told = driver.createOutputTopic('visits', visitSerdes)
  driver.createInputTopic('names', nameSerdes).pipeInput('u1', 'Ada')
  const click = (user: string, page: string, minute: number) =>
    clicks.pipeInput(null, { user, page, at: at(minute) })

  click('u1', '/start', 0)
  click('u1', '/pay', 35)
  expect([...driver.sessionStore(visits).fetch('u1')]).toHaveLength(2)
  // Between the two, and late: it makes them one.
  click('u1', '/cart', 30)
  expect([...driver.sessionStore(visits).fetch('u1')]).toHaveLength(1)
  click('u2', '/start', 76)
  expect(told.readKeyValues()).toEqual([
    ['u1', { name: 'Ada', pages: ['/start', '/pay', '/cart'], startMs: TEN, endMs: TEN + 35 * 60_000 }],
  ])

  // Too late: its visit is told.
  click('u1', '/home', 1)
  expect(driver.metricTotal('dropped-records-total')).toBe(1)
  click('u3', '/start', 200)
  expect(told.readKeyValues()).toEqual([
    ['u2', { name: null, pages: ['/start'], startMs: TEN + 76 * 60_000, endMs: TEN + 76 * 60_000 }],
  ])
})
