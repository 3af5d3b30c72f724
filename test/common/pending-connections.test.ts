import { EventEmitter } from 'node:events'
import { expect, test } from 'vitest'
import type { Clock } from '../../lib/common/clock.ts'
import { countConnections, letConnectionsIn } from '../../lib/common/net/pending-connections.ts'
import { ManualClock } from '../../lib/testing/manual-clock.ts'

/** A clock whose turns a server uses as the test says: one connection a turn, as long as some wait. */
function turning(waiting: number, turnMs = 0) {
  const server = new EventEmitter()
  countConnections(server)
  const time = new ManualClock()
  let turns = 0
  const clock: Clock = {
    nowMs: () => time.nowMs(),
    monotonicMs: () => time.monotonicMs(),
    schedule: (delayMs, callback) => time.schedule(delayMs, callback),
    sleep: delayMs => time.sleep(delayMs),
    async nextTurn() {
      turns += 1
      time.advance(turnMs)
      if (turns <= waiting) server.emit('connection')
    },
  }
  return { clock, turns: () => turns }
}

test('where nobody connects it is one turn', async () => {
  const { clock, turns } = turning(0)
  await letConnectionsIn(clock)
  expect(turns()).toBe(1)
})

test('connections that wait are taken, up to the first turn that takes none', async () => {
  const { clock, turns } = turning(50)
  await letConnectionsIn(clock)
  expect(turns()).toBe(51)
})

test('the task goes on after some time, and after some turns, whoever waits', async () => {
  const slow = turning(Infinity, 4)
  await letConnectionsIn(slow.clock)
  expect(slow.turns()).toBeLessThan(8)
  const many = turning(Infinity)
  await letConnectionsIn(many.clock)
  expect(many.turns()).toBe(200)
})
