import { cp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { openEmbeddedBroker } from '../../lib/broker/embedded/embedded-broker.ts'
import { systemClock } from '../../lib/common/clock.ts'
import { openKeyValueStore } from '../../lib/index.ts'
import { listening } from '../support/listening.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { produce, type Pair } from '../support/topics.ts'

const DAY_MS = 86_400_000

async function stage() {
  let fetched = 0
  let aheadMs = 0
  const broker = await openEmbeddedBroker({
    interceptor: ({ operation, topic }) => {
      if (operation === 'fetch' && topic === 'rows') fetched += 1
    },
  })
  onTestFinished(() => broker.close())
  const admin = await broker.admin()
  const create = () =>
    admin.createTopics([
      {
        topic: 'rows',
        partitionCount: 1,
        config: { 'cleanup.policy': 'compact', 'delete.retention.ms': String(DAY_MS) },
      },
    ])
  await create()
  const stateDir = await temporaryDirectory()
  const { logger, lines } = listening()
  const clock = { ...systemClock, nowMs: () => systemClock.nowMs() + aheadMs }
  /** Rows that a store has which begins with the snapshot; the snapshot is as it leaves it. */
  const rows = async () => {
    const store = await openKeyValueStore<string, number>('rows', { broker, stateDir, clock, logger })
    const found = Object.fromEntries(store)
    await store.close()
    return found
  }
  const feed = (...pairs: Pair[]) => produce(broker, 'rows', 1, pairs)
  const removed = () => lines.filter(line => line.includes('is removed and rebuilt'))
  const snapshot = join(stateDir, 'rows-store', 'global')
  const advance = (ms: number) => (aheadMs += ms)
  return { admin, create, rows, feed, removed, snapshot, advance, fetched: () => fetched }
}

it('a store begins with its snapshot, and goes on from there', async () => {
  const { admin, rows, feed, removed } = await stage()
  await feed(['a', '1'], ['b', '2'])
  expect(await rows()).toEqual({ a: 1, b: 2 })
  // What the snapshot has is not read again: it may be gone from the topic.
  await feed(['b', null], ['c', '3'])
  await admin.deleteRecords([{ topic: 'rows', partition: 0, offset: 2 }])
  expect(await rows()).toEqual({ a: 1, c: 3 })
  expect(removed()).toEqual([])
})

it('a deleted row does not come back with a snapshot that is older than deletions are kept', async () => {
  const { rows, feed, removed, advance } = await stage()
  await feed(['a', '1'], ['b', '2'])
  await rows()
  await feed(['a', null], ['b', '3'])
  advance(DAY_MS)
  await feed(['c', '4'])
  expect(await rows()).toEqual({ b: 3, c: 4 })
  expect(removed()[0]).toContain('the state lay unused for longer than rows keeps deletions')
})

it('the snapshot of a topic that was made anew is removed', async () => {
  const { admin, create, rows, feed, removed } = await stage()
  await feed(['a', '1'])
  await rows()
  await admin.deleteTopics(['rows'])
  await create()
  await feed(['b', '2'], ['c', '3'])
  expect(await rows()).toEqual({ b: 2, c: 3 })
  expect(removed()[0]).toContain('was deleted and made anew')
})

it('an older copy of the snapshot shows nothing that was deleted since', async () => {
  const { rows, feed, snapshot } = await stage()
  const older = await temporaryDirectory()
  await feed(['a', '1'], ['b', '2'])
  await rows()
  await cp(snapshot, older, { recursive: true })
  await feed(['a', null], ['b', '3'])
  await rows()
  await rm(snapshot, { recursive: true })
  await cp(older, snapshot, { recursive: true })
  expect(await rows()).toEqual({ b: 3 })
})
