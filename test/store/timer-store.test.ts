import { describe, expect, it } from 'vitest'
import { hex, utf8, utf8Text } from '../../lib/common/bytes.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import { stores } from '../../lib/store/builders/stores.ts'
import type { StoreContext } from '../../lib/store/contract/state-store.ts'
import type { TimerStore } from '../../lib/store/contract/timer-store.ts'
import { openMemoryEngine } from '../../lib/store/engine/memory-engine.ts'
import { WriteBatch } from '../../lib/store/engine/write-batch.ts'
import { durableTimers } from '../../lib/store/operator/timer-store.ts'
import { StoreHarness } from './store-harness.ts'

const BUILDER = stores.timers<string>({ name: 'timers', keySerde: serdes.string() })

class Harness extends StoreHarness<TimerStore<string>> {
  isTransactional = true

  constructor(engine = openMemoryEngine()) {
    super(BUILDER, { engine })
  }

  override context(): StoreContext {
    return { ...super.context(), isTransactional: this.isTransactional }
  }

  log(): string[] {
    return this.takeChangelog().map(
      ({ key, value, timestamp }) => `${utf8Text(key!)}=${value && hex(value)}@${timestamp}`,
    )
  }

  /** Removes what is due by then, as firing does. */
  taken(nowMs: number): string[] {
    const timers = durableTimers<string>(this.store)
    const taken: string[] = []
    for (let timer = timers.takeDue(nowMs); timer; timer = timers.takeDue(nowMs))
      taken.push(`${timers.keyOf(timer)}@${timer.dueMs}`)
    return taken
  }
}

async function open(options: { readonly isTransactional?: boolean } = {}) {
  const engine = openMemoryEngine()
  const harness = new Harness(engine)
  harness.isTransactional = options.isTransactional ?? true
  await harness.open()
  return { engine, harness }
}

/** The time 2, as a timer is stored. */
const TWO = '014000000000000000'

describe('timer store', () => {
  it('writes version and time under the bytes of the key, once a commit', async () => {
    const { harness } = await open()
    harness.store.set('a', 1)
    harness.store.set('a', 2)
    await harness.at(7).commit()
    harness.store.set('a', 2)
    await harness.commit()
    expect(harness.log()).toEqual([`a=${TWO}@7`])
  })

  it('leaves no trace of a timer that came and went between two commits', async () => {
    const { harness } = await open()
    harness.store.set('fired', 1)
    harness.store.set('cancelled', 9)
    expect(harness.taken(1)).toEqual(['fired@1'])
    expect(harness.store.cancel('cancelled')).toBe(true)
    expect(harness.store.uncommittedBytes).toBe(0)
    await harness.commit()
    expect(harness.log()).toEqual([])
  })

  it('deletes one that is written and goes, also if it came back meanwhile', async () => {
    const { harness } = await open()
    harness.store.set('a', 1)
    await harness.commit()
    harness.store.cancel('a')
    harness.store.set('a', 2)
    harness.store.cancel('a')
    harness.takeChangelog()
    await harness.at(5).commit()
    expect(harness.log()).toEqual(['a=null@5'])
    await harness.abort()
    expect(harness.store.size).toBe(0)
  })

  it('goes back with an abort: what fired is there again, what was set is not', async () => {
    const { harness } = await open()
    harness.store.set('a', 1)
    harness.store.set('b', 9)
    await harness.commit()
    expect(harness.taken(5)).toEqual(['a@1'])
    harness.store.set('b', 3)
    harness.store.set('c', 4)
    await harness.abort()
    expect(harness.store.size).toBe(2)
    expect(harness.taken(100)).toEqual(['a@1', 'b@9'])
  })

  it('is restored from its changelog, with the times as they were', async () => {
    const { harness } = await open()
    harness.store.set('a', 1)
    harness.store.set('b', 2)
    await harness.commit()
    harness.store.cancel('a')
    harness.store.set('c', 3)
    await harness.commit()
    const other = new Harness()
    await other.open()
    await other.restore(harness.takeChangelog())
    expect(other.store.get('c')).toBe(3)
    // And it is on the disk of its new owner.
    await other.abort()
    expect(other.taken(100)).toEqual(['b@2', 'c@3'])
  })

  it('fills a changelog anew from what is on disk', async () => {
    const { harness } = await open()
    harness.store.set('a', 2)
    await harness.commit()
    const content: string[] = []
    for await (const { key, value } of harness.store.content!(0))
      content.push(`${utf8Text(key!)}=${hex(value!)}`)
    expect(content).toEqual([`a=${TWO}`])
  })

  it('keeps an epoch that is being committed apart from the next one', async () => {
    const { harness, engine } = await open()
    harness.store.set('a', 1)
    harness.flushAndPrepare()
    // Processing goes on while the broker commits.
    expect(harness.taken(1)).toEqual(['a@1'])
    harness.store.set('b', 2)
    const batch = new WriteBatch()
    harness.store.stage(batch)
    expect(batch.count).toBe(1)
    await engine.write(batch)
    harness.store.staged()
    await harness.abort()
    expect(harness.taken(100)).toEqual(['a@1'])
  })

  it('sends changes only when the outputs are safe, where the two are not one transaction', async () => {
    const { harness } = await open({ isTransactional: false })
    harness.store.set('a', 2)
    harness.at(3).flushAndPrepare()
    expect(harness.log()).toEqual([])
    harness.store.outputsFlushed?.()
    expect(harness.log()).toEqual([`a=${TWO}@3`])
    harness.store.outputsFlushed?.()
    expect(harness.log()).toEqual([])
  })

  it('refuses what a newer version has written', async () => {
    const { harness } = await open()
    const record = { key: utf8('a'), value: Uint8Array.of(2, 0), timestamp: 0, headers: [] }
    expect(() => harness.store.restore([record])).toThrow(expect.objectContaining({ code: 'UNKNOWN_FORMAT' }))
  })

  it('has 100,000 timers in a moment, in order', async () => {
    const { harness } = await open()
    for (let at = 0; at < 100_000; at += 1) harness.store.set(`${at}`, (at * 7_919) % 100_000)
    await harness.commit()
    const taken = harness.taken(100_000)
    expect(taken).toHaveLength(100_000)
    expect(taken.slice(0, 2)).toEqual(['0@0', '17679@1'])
  })

  it('has a changelog of short segments, and none where logging is off', () => {
    expect(BUILDER).toMatchObject({ kind: 'timer store', persistent: true })
    expect(BUILDER.changelog).toEqual({ config: { 'segment.bytes': '16777216' }, cleanupPolicy: 'compact' })
    const own = stores.timers({ name: 'x', logging: { config: { 'segment.bytes': '1000' } } })
    expect(own.changelog?.config).toEqual({ 'segment.bytes': '1000' })
    expect(stores.timers({ name: 'x', logging: false }).changelog).toBeUndefined()
  })
})
