import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DueHeap } from '../../lib/dsl/retry/due-heap.ts'
import { RetryQueue, type ItemState, type QueuedItem } from '../../lib/dsl/retry/retry-queue.ts'

interface Item extends QueuedItem {
  readonly name: string
}

function item(sequence: number, lane: string | undefined): Item {
  return {
    name: `${lane ?? '-'}${sequence}`,
    sequence,
    lane,
    place: 'ready',
    dueMs: 0,
    byteLength: 10 + sequence,
  }
}

describe('due heap', () => {
  it('gives items by time, then by number', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(20), fc.boolean())), steps => {
        const heap = new DueHeap<{ dueMs: number; sequence: number }>()
        let model: { dueMs: number; sequence: number }[] = []
        steps.forEach(([dueMs, takes], sequence) => {
          if (takes) {
            model.sort((left, right) => left.dueMs - right.dueMs || left.sequence - right.sequence)
            expect(heap.takeFirst()).toBe(model.shift())
          } else {
            const added = { dueMs, sequence }
            heap.add(added)
            model = [...model, added]
          }
          expect(heap.size).toBe(model.length)
        })
      }),
    )
  })
})

/** The same rules, said as plainly as possible: all items in a list. */
class Model {
  readonly items: Item[] = []
  readonly ready: Item[] = []
  readonly states = new Map<Item, ItemState>()
  readonly #held: Item[] = []

  isBlocked(item: Item): boolean {
    return (
      item.lane !== undefined &&
      this.items.some(other => other.lane === item.lane && other.sequence < item.sequence)
    )
  }

  add(item: Item): void {
    this.items.push(item)
    if (this.isBlocked(item)) this.states.set(item, 'behind')
    else this.makeReady(item)
  }

  makeReady(item: Item): void {
    this.states.set(item, 'ready')
    this.ready.push(item)
  }

  hold(item: Item): void {
    if (this.states.get(item) === 'ready') this.ready.splice(this.ready.indexOf(item), 1)
    this.states.set(item, 'held')
    this.#held.push(item)
  }

  inOrderOfHold(): Item[] {
    return this.#held.filter(each => this.states.get(each) === 'held')
  }

  release(item: Item, nowMs: number): void {
    this.#held.splice(this.#held.indexOf(item), 1)
    if (item.dueMs > nowMs) this.states.set(item, 'parked')
    else this.makeReady(item)
  }

  leave(item: Item): void {
    this.items.splice(this.items.indexOf(item), 1)
    this.states.delete(item)
  }

  done(item: Item): void {
    this.items.splice(this.items.indexOf(item), 1)
    this.states.delete(item)
    const next = this.items.find(other => other.lane !== undefined && other.lane === item.lane)
    if (next) this.makeReady(next)
  }

  count(...states: readonly ItemState[]): Item[] {
    return this.items.filter(each => states.includes(this.states.get(each)!))
  }
}

type Step =
  | { readonly kind: 'add'; readonly lane: string | undefined }
  | { readonly kind: 'call' | 'end' | 'done' }
  | { readonly kind: 'park'; readonly delayMs: number }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'hold-next' }
  | { readonly kind: 'hold' | 'release'; readonly modulus: number }
  | { readonly kind: 'remove'; readonly at: number }

const steps: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('add' as const), lane: fc.constantFrom('a', 'b', 'c', undefined) }),
  fc.record({ kind: fc.constantFrom('call' as const, 'end' as const, 'done' as const) }),
  fc.record({ kind: fc.constant('park' as const), delayMs: fc.nat(30) }),
  fc.record({ kind: fc.constant('wait' as const), ms: fc.nat(20) }),
  fc.record({ kind: fc.constant('hold-next' as const) }),
  fc.record({
    kind: fc.constantFrom('hold' as const, 'release' as const),
    modulus: fc.integer({ min: 1, max: 3 }),
  }),
  fc.record({ kind: fc.constant('remove' as const), at: fc.nat(20) }),
)

/** Holds, releases and removes in both, as somebody's commands do. */
function control(queue: RetryQueue<Item>, model: Model, step: Step, nowMs: number): void {
  if (step.kind === 'hold-next') {
    const next = model.ready[0]
    expect(queue.holdNext()).toBe(next)
    if (next) model.hold(next)
  } else if (step.kind === 'hold') {
    const test = ({ sequence }: Item) => sequence % step.modulus === 0
    queue.holdWhere(test)
    for (const each of model.count('ready', 'parked').filter(test)) model.hold(each)
    expect(new Set(queue.stoppedWhere(test))).toEqual(new Set(model.count('held', 'behind').filter(test)))
  } else if (step.kind === 'release') {
    const test = ({ sequence }: Item) => sequence % step.modulus === 0
    queue.release(test, nowMs)
    for (const each of model.inOrderOfHold().filter(test)) model.release(each, nowMs)
  } else if (step.kind === 'remove') {
    const stopped = model.count('held', 'behind')
    const removed = stopped[step.at % Math.max(1, stopped.length)]
    if (!removed) return
    const wasBehind = removed.place === 'behind'
    queue.remove(removed)
    expect(removed.place).toBe('gone')
    if (wasBehind) model.leave(removed)
    else model.done(removed)
  }
}

describe('retry queue', () => {
  it('calls the first of each lane, wakes what is due, and counts what waits, as a plain list does', () => {
    fc.assert(
      fc.property(fc.array(steps, { maxLength: 200 }), script => {
        const queue = new RetryQueue<Item>()
        const model = new Model()
        const running: Item[] = []
        let nowMs = 0
        script.forEach((step, at) => {
          if (step.kind === 'add') {
            const added = item(at, step.lane)
            queue.add(added)
            model.add(added)
          } else if (step.kind === 'call') {
            const called = queue.takeReady()
            expect(called).toBe(model.ready.shift())
            if (called) {
              model.states.set(called, 'running')
              running.push(called)
            }
          } else if (step.kind === 'end') {
            const [ended] = running.splice(Math.floor(running.length / 2), 1)
            if (ended) {
              queue.end(ended)
              model.states.set(ended, 'ended')
            }
          } else if (step.kind === 'wait') {
            nowMs += step.ms
            const due = model
              .count('parked')
              .filter(({ dueMs }) => dueMs <= nowMs)
              .sort((left, right) => left.dueMs - right.dueMs || left.sequence - right.sequence)
            expect(queue.wake(nowMs)).toBe(due.length)
            for (const each of due) model.makeReady(each)
          } else if (step.kind !== 'done' && step.kind !== 'park') {
            control(queue, model, step, nowMs)
          } else {
            const ended = queue.takeEnded()
            expect(ended === undefined).toBe(model.count('ended').length === 0)
            if (!ended) return
            if ('delayMs' in step) {
              queue.park(ended, nowMs + step.delayMs)
              model.states.set(ended, 'parked')
            } else {
              queue.done(ended)
              model.done(ended)
            }
          }
          for (const each of model.items) expect(each.place).toBe(model.states.get(each))
          const waiting = model.count('parked', 'behind', 'held')
          expect(queue.held).toBe(model.count('held').length)
          expect(queue.waiting).toBe(waiting.length)
          const held = [...waiting, ...model.ready]
          expect(queue.bytes).toBe(held.reduce((sum, { byteLength }) => sum + byteLength, 0))
          expect(queue.ready).toBe(model.ready.length)
          expect(queue.active).toBe(model.count('ready', 'running', 'ended').length)
          expect(queue.hasReady).toBe(model.ready.length > 0)
          expect(queue.nextDueMs).toBe(Math.min(Infinity, ...model.count('parked').map(({ dueMs }) => dueMs)))
        })
      }),
      { numRuns: 500 },
    )
  })

  it('what was parked before a restart is parked, the first of its lane; the others are behind it', () => {
    const queue = new RetryQueue<Item>()
    const [head, follower] = [item(1, 'a'), item(2, 'a')]
    head.dueMs = 50
    queue.add(head, { parked: true })
    queue.add(follower)
    expect([head.place, follower.place]).toEqual(['parked', 'behind'])
    expect(queue.takeReady()).toBeUndefined()
    queue.wake(50)
    expect(queue.takeReady()).toBe(head)
  })
})
