import { describe, expect, onTestFinished, test } from 'vitest'
import { Cluster } from '../../lib/broker/kafka/client/connection/cluster.ts'
import { connectionSettings } from '../../lib/broker/kafka/client/connection/connection-settings.ts'
import { LeaderLoop, type LeaderWork } from '../../lib/broker/kafka/client/connection/leader-loop.ts'
import { systemClock } from '../../lib/common/clock.ts'
import { eventually } from '../support/eventually.ts'
import { fakeCluster } from './direct-reader.ts'

/** A loop at node 0 of a fake cluster; it is closed when the test ends. */
async function loopOf(work: LeaderWork): Promise<LeaderLoop> {
  const fake = await fakeCluster()
  const settings = connectionSettings({ 'reconnect.backoff.ms': 1, 'reconnect.backoff.max.ms': 1 })
  const security = { tls: undefined, sasl: undefined }
  const connect = { clientId: 'test', clock: systemClock, settings, security }
  const cluster = new Cluster(fake.address, connect)
  await cluster.refresh(new Set([fake.topic]))
  const loop = new LeaderLoop({ node: 0, cluster, connect }, work)
  onTestFinished(() => {
    loop.close()
    cluster.close()
  })
  return loop
}

/** Work of so many steps; what the loop tells of it is counted. */
class CountedWork implements LeaderWork {
  left: number
  rested = 0
  readonly failures: string[] = []
  readonly #step: (left: number) => Promise<void>

  constructor(steps: number, step: (left: number) => Promise<void> = () => Promise.resolve()) {
    this.left = steps
    this.#step = step
  }

  hasWork(): boolean {
    return this.left > 0
  }

  step(): Promise<void> {
    this.left -= 1
    return this.#step(this.left)
  }

  stepFailed(reason: unknown): void {
    this.failures.push(String(reason))
  }

  rests(): void {
    this.rested += 1
  }
}

describe('a loop for the partitions of one leader', () => {
  test('takes one step at a time, however often it is kicked, and rests when there is no work', async () => {
    let [running, runningMax] = [0, 0]
    const work = new CountedWork(5, async () => {
      running += 1
      runningMax = Math.max(runningMax, running)
      loop.kick()
      await Promise.resolve()
      running -= 1
    })
    const loop = await loopOf(work)
    loop.kick()
    expect(loop.isRunning).toBe(true)
    await eventually(() => !loop.isRunning, { what: 'a rest' })
    expect(runningMax).toBe(1)
    expect(work).toMatchObject({ left: 0, failures: [], rested: 1 })
  })

  test('begins anew when it is kicked while it says that it rests', async () => {
    const work = new CountedWork(1)
    const loop = await loopOf(work)
    work.rests = () => {
      work.rested += 1
      if (work.rested > 1) return
      work.left = 1
      loop.kick()
    }
    loop.kick()
    await eventually(() => work.rested === 2, { what: 'a second rest' })
    expect(work.left).toBe(0)
  })

  test('goes on after a step that failed', async () => {
    const work = new CountedWork(3, async left => {
      if (left === 1) throw new Error('one of three')
    })
    const loop = await loopOf(work)
    loop.kick()
    await eventually(() => work.rested === 1, { what: 'a rest' })
    expect(work).toMatchObject({ left: 0, failures: ['Error: one of three'] })
  })

  test('ends with close: neither the step that this cuts short nor a rest is told', async () => {
    let cutShort: (() => void) | undefined
    const work = new CountedWork(2, () => {
      return new Promise((_, reject) => (cutShort = () => reject(new Error('cut short'))))
    })
    const loop = await loopOf(work)
    loop.kick()
    await eventually(() => cutShort !== undefined, { what: 'a step' })
    loop.close()
    cutShort?.()
    await eventually(() => !loop.isRunning, { what: 'the end' })
    loop.kick()
    expect(loop.isRunning).toBe(false)
    expect(work).toMatchObject({ left: 1, failures: [], rested: 0 })
  })
})
