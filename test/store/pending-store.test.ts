import { describe, expect, it } from 'vitest'
import { hex, utf8, utf8Text } from '../../lib/common/bytes.ts'
import { openMemoryEngine } from '../../lib/store/engine/memory-engine.ts'
import {
  pendingStoreBuilder,
  type PendingItem,
  type PendingStore,
} from '../../lib/store/operator/pending-store.ts'
import type { StoreContext } from '../../lib/store/contract/state-store.ts'
import { StoreHarness } from './store-harness.ts'
import { WriteBatch } from '../../lib/store/engine/write-batch.ts'

const BUILDER = pendingStoreBuilder({ name: 'waiting' })

async function open(context: Partial<StoreContext> = { isTransactional: true }) {
  const engine = openMemoryEngine()
  const harness = new Harness(BUILDER, { engine }, context)
  await harness.open()
  harness.store.takeFound()
  return { engine, harness }
}

class Harness extends StoreHarness<PendingStore> {
  readonly #context: Partial<StoreContext>

  constructor(
    builder: typeof BUILDER,
    options: ConstructorParameters<typeof StoreHarness>[1],
    context: Partial<StoreContext>,
  ) {
    super(builder, options)
    this.#context = context
  }

  override context(): StoreContext {
    return { ...super.context(), ...this.#context }
  }

  log(): string[] {
    return this.takeChangelog().map(
      ({ key, value, timestamp }) => `${hex(key!).slice(-2)}=${value && utf8Text(value)}@${timestamp}`,
    )
  }

  found(): string[] {
    return this.store.takeFound().map(({ sequence, bytes }) => `${sequence}=${utf8Text(bytes)}`)
  }
}

function item(text: string, timestamp = 1): PendingItem {
  return { timestamp, byteLength: text.length, toBytes: () => utf8(text) }
}

describe('pending store', () => {
  it('leaves no trace of what is done before a commit', async () => {
    const { harness } = await open()
    const { store } = harness
    const first = store.add(item('a'))
    store.add(item('b', 7))
    store.remove(first, 1)
    await harness.commit()
    expect(harness.log()).toEqual(['01=b@7'])
  })

  it('writes what waits once, and deletes it when it is done', async () => {
    const { harness } = await open()
    const sequence = harness.store.add(item('a', 5))
    await harness.commit()
    await harness.commit()
    expect(harness.log()).toEqual(['00=a@5'])
    harness.store.remove(sequence, 5)
    await harness.commit()
    await harness.commit()
    expect(harness.log()).toEqual(['00=null@5'])
    await harness.abort()
    expect(harness.found()).toEqual([])
  })

  it('writes an item anew that has changed, and takes back what it wrote before', async () => {
    const { harness } = await open()
    const { store } = harness
    const sequence = store.add(item('first try'))
    store.update(sequence, item('never seen'))
    store.update(sequence, item('second try', 2))
    await harness.commit()
    expect(harness.log()).toEqual(['00=second try@2'])
    store.update(sequence, item('third try', 3))
    await harness.abort()
    expect(harness.found()).toEqual(['0=second try'])
    harness.store.update(sequence, item('fourth try', 4))
    harness.store.remove(sequence, 4)
    expect(harness.store.uncommittedBytes).toBe(8)
    await harness.commit()
    expect(harness.log()).toEqual(['00=null@4'])
    await harness.abort()
    expect(harness.found()).toEqual([])
  })

  it('finds what waited at the last commit, in order, and goes on counting behind it', async () => {
    const { harness } = await open()
    // Beyond 255, so that the order of the keys' bytes is not that of their last byte.
    for (let at = 0; at < 300; at += 1) harness.store.add(item(`${at}`))
    await harness.commit()
    harness.store.remove(0, 1)
    harness.store.add(item('never committed'))
    await harness.abort()
    expect(harness.found()).toEqual(Array.from({ length: 300 }, (_, at) => `${at}=${at}`))
    expect(harness.store.add(item('next'))).toBe(300)
  })

  it('is restored from its changelog', async () => {
    const { harness } = await open()
    const first = harness.store.add(item('a'))
    harness.store.add(item('b'))
    await harness.commit()
    harness.store.remove(first, 1)
    harness.store.add(item('c'))
    await harness.commit()
    const other = new Harness(BUILDER, { engine: openMemoryEngine() }, { isTransactional: true })
    await other.open()
    await other.restore(harness.takeChangelog())
    expect(other.found()).toEqual(['1=b', '2=c'])
    // And it is on the disk of its new owner.
    await other.abort()
    expect(other.found()).toEqual(['1=b', '2=c'])
  })

  it('keeps an epoch that is being committed apart from the next one', async () => {
    const { harness, engine } = await open()
    const { store } = harness
    const first = store.add(item('a'))
    harness.flushAndPrepare()
    // Processing goes on while the broker commits.
    store.remove(first, 1)
    store.add(item('b'))
    const batch = new WriteBatch()
    store.stage(batch)
    expect(batch.count).toBe(1)
    await engine.write(batch)
    store.staged()
    await harness.abort()
    expect(harness.found()).toEqual(['0=a'])
  })

  it('sends deletions only when the outputs are safe, where the two are not one transaction', async () => {
    const { harness } = await open({ isTransactional: false })
    const sequence = harness.store.add(item('a'))
    await harness.commit()
    harness.store.remove(sequence, 3)
    harness.takeChangelog()
    harness.flushAndPrepare()
    expect(harness.log()).toEqual([])
    harness.store.outputsFlushed()
    expect(harness.log()).toEqual(['00=null@3'])
    harness.store.outputsFlushed()
    expect(harness.log()).toEqual([])
  })

  it('says how much is not written down', async () => {
    const { harness } = await open()
    const { store } = harness
    const sequence = store.add(item('four'))
    store.add(item('sixsix'))
    expect(store.uncommittedBytes).toBe(10)
    store.remove(sequence, 1)
    expect(store.uncommittedBytes).toBe(6)
    await harness.commit()
    expect(store.uncommittedBytes).toBe(0)
  })

  it('has a changelog of short segments, and none where logging is off', () => {
    expect(BUILDER.changelog).toEqual({ config: { 'segment.bytes': '16777216' }, cleanupPolicy: 'compact' })
    const own = pendingStoreBuilder({ name: 'x', logging: { config: { 'segment.bytes': '1000' } } })
    expect(own.changelog?.config).toEqual({ 'segment.bytes': '1000' })
    expect(pendingStoreBuilder({ name: 'x', logging: false }).changelog).toBeUndefined()
  })
})
