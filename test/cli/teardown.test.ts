import { describe, expect, it } from 'vitest'
import { Teardown } from '../../lib/cli/lifecycle/teardown.ts'
import { silentLogger, type Logger } from '../../lib/common/logger.ts'
import { ManualClock } from '../../lib/testing/manual-clock.ts'
import { eventually } from '../support/eventually.ts'

describe('Teardown', () => {
  it('closes in the opposite order, one after the other', async () => {
    const teardown = new Teardown(new ManualClock(), silentLogger)
    const closed: string[] = []
    for (const name of ['first', 'second', 'third']) {
      teardown.add(name, async () => {
        await Promise.resolve()
        closed.push(name)
      })
    }
    await teardown.run()
    expect(closed).toEqual(['third', 'second', 'first'])
  })

  it('a step that hangs is named after 10 s, and the rest is closed', async () => {
    const clock = new ManualClock()
    const lines: string[] = []
    const logger: Logger = { log: (_, message) => lines.push(message) }
    const teardown = new Teardown(clock, logger)
    let closed = false
    teardown.add('the broker', async () => void (closed = true))
    teardown.add('the service', () => new Promise(() => undefined))
    const run = teardown.run()
    const rejected = expect(run).rejects.toMatchObject({ code: 'CLOSE_TIMEOUT' })
    clock.advance(9_999)
    await clock.nextTurn()
    expect(lines).toEqual([])
    clock.advance(1)
    await rejected
    await eventually(() => closed)
    expect(lines).toEqual(['closing the service: the service has not closed within 10000 ms'])
  })
})
