import { describe, expect, it } from 'vitest'
import { ChangeFeed } from '../../lib/runtime/state/change-feed.ts'

const key = Uint8Array.of(1)

function watched() {
  const feed = new ChangeFeed()
  const told: number[] = []
  feed.watch('store', ({ timestamp }) => told.push(timestamp))
  const log = feed.tap('store')!
  const change = (timestamp: number) => {
    log(key, key, timestamp, [])
    feed.epochSealed()
  }
  return { feed, told, change }
}

function deferred() {
  let resolve = () => undefined as void
  const promise = new Promise<void>(done => (resolve = done))
  return { promise, resolve: () => resolve() }
}

/** Turns of the microtask queue, in which everything that has resolved is told of. */
const settled = () => new Promise(resolve => setImmediate(resolve))

describe('a feed of changes', () => {
  it('tells at once what is shown already, and nothing of what was aborted', () => {
    const { feed, told, change } = watched()
    change(1)
    feed.epochEnd({ committed: true })
    change(2)
    feed.epochEnd({ committed: false })
    expect(told).toEqual([1])
  })

  it('waits for a write that is late, for ever where it never comes', async () => {
    const { feed, told, change } = watched()
    change(1)
    const write = deferred()
    feed.epochEnd({ committed: true, shown: write.promise })
    await settled()
    expect(told).toEqual([])
    write.resolve()
    await settled()
    expect(told).toEqual([1])
  })

  it('keeps the order of commits where a later one is shown first, and an abort between takes nothing back', async () => {
    const { feed, told, change } = watched()
    const [first, second] = [deferred(), deferred()]
    change(1)
    feed.epochEnd({ committed: true, shown: first.promise })
    change(2)
    feed.epochEnd({ committed: true, shown: second.promise })
    change(3)
    feed.epochEnd({ committed: false })
    second.resolve()
    change(4)
    feed.epochEnd({ committed: true })
    await settled()
    expect(told).toEqual([])
    first.resolve()
    await settled()
    expect(told).toEqual([1, 2, 4])
  })

  it('tells of what is committed though its write has failed: it is true all the same', async () => {
    const { feed, told, change } = watched()
    change(1)
    const failed = Promise.reject(new Error('the disk is full'))
    feed.epochEnd({ committed: true, shown: Promise.allSettled([failed]) })
    await settled()
    expect(told).toEqual([1])
  })
})
