import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Counter } from '../../../lib/common/metrics/meter.ts'
import { TimedCache } from '../../../lib/store/windows/timed-cache.ts'
import { TimedEntry } from '../../../lib/store/windows/timed-entry.ts'
import { TimeIndex } from '../../../lib/store/windows/time-index.ts'

/** A cache, and what it is to hold: entries that came, and have neither been evicted nor expired. */
class Subject {
  readonly index = new TimeIndex()
  readonly evictions = new Counter()
  readonly cache: TimedCache
  readonly entries: TimedEntry[] = []
  #time = 0

  constructor(bytesMax: number) {
    this.cache = new TimedCache(this.index, () => bytesMax, this.evictions)
  }

  add(count: number): void {
    for (let number = 0; number < count; number += 1) {
      this.#time += 1
      const key = this.index.enter(`key-${this.#time % 7}`, undefined)
      const entry = this.index.insert(key, this.#time, 0)
      entry.setBytes(new Uint8Array(3), this.#time)
      this.entries.push(entry)
      this.cache.add(entry)
    }
  }

  /** Still in memory: what the index has there. */
  here(): TimedEntry[] {
    return this.entries.filter(entry => entry.key.at(entry.key.find(entry.time, 0)) === entry)
  }

  expireThrough(time: number): void {
    this.index.expire(time, (_, slot) => {
      if (slot instanceof TimedEntry) this.cache.expire(slot)
    })
  }
}

const counts = fc.integer({ min: 1, max: 3000 })
const steps = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant('add' as const), count: counts }),
    fc.record({ kind: fc.constant('pin' as const), count: counts }),
    fc.record({ kind: fc.constant('unpin' as const), count: counts }),
    fc.record({ kind: fc.constant('expire' as const), count: counts }),
  ),
  { maxLength: 12 },
)

test('timed cache: counts and goes through what is here, whatever came, was evicted and expired', () => {
  fc.assert(
    fc.property(steps, fc.integer({ min: 0, max: 400_000 }), (all, bytesMax) => {
      const subject = new Subject(bytesMax)
      const { cache } = subject
      const pinned: TimedEntry[] = []
      for (const { kind, count } of all) {
        if (kind === 'add') subject.add(count)
        else if (kind === 'expire') subject.expireThrough(count)
        else if (kind === 'unpin') for (const entry of pinned.splice(0, count)) cache.unpin(entry)
        else {
          const free = subject.here().filter(entry => !entry.isPinned)
          for (const entry of free.slice(0, count)) {
            cache.pin(entry)
            pinned.push(entry)
          }
        }
        if (cache.overfull) cache.trim()
        expect(cache.overfull).toBe(false)
        const held = new Set([...subject.here(), ...pinned])
        expect(cache.size).toBe(held.size)
        expect([...cache.pinned()]).toEqual(subject.entries.filter(entry => entry.isPinned))
        const clean = [...held].filter(entry => !entry.isPinned)
        expect(cache.cleanBytes).toBe(clean.reduce((bytes, { size }) => bytes + size, 0))
      }
    }),
    { numRuns: 60 },
  )
})
