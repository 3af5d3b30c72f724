import { describe, expect, it } from 'vitest'
import { BrokerError } from '../../lib/broker/broker-error.ts'
import type { Admin, Broker, Consumer, RecordBatch, TopicPartitionOffset } from '../../lib/broker/broker.ts'
import { systemClock } from '../../lib/common/clock.ts'
import { silentLogger } from '../../lib/common/logger.ts'
import { Metrics } from '../../lib/common/metrics/metrics.ts'
import type { RestoreRequest } from '../../lib/runtime/state/restore-plan.ts'
import { Restorer } from '../../lib/runtime/state/restorer.ts'
import type { RuntimeSettings } from '../../lib/runtime/plan/settings.ts'
import type { StateManager } from '../../lib/runtime/state/state-manager.ts'
import { eventually } from '../support/eventually.ts'

/**
 * Changelogs in which every 1,000th offset still has a record; a poll brings the next one of each partition.
 */
class SparseConsumer implements Partial<Consumer> {
  readonly #positions = new Map<string, { topic: string; partition: number; offset: number }>()

  assign(partitions: readonly TopicPartitionOffset[]): void {
    for (const each of partitions) this.#positions.set(`${each.topic}-${each.partition}`, { ...each })
  }

  unassign(partitions: readonly { topic: string; partition: number }[]): void {
    for (const { topic, partition } of partitions) this.#positions.delete(`${topic}-${partition}`)
  }

  position({ topic, partition }: { topic: string; partition: number }): number | undefined {
    return this.#positions.get(`${topic}-${partition}`)?.offset
  }

  /** Thrown by the next poll. */
  failure: BrokerError | undefined

  poll(): RecordBatch[] {
    const { failure } = this
    this.failure = undefined
    if (failure) throw failure
    return Array.from(this.#positions.values(), at => {
      const { topic, partition, offset } = at
      at.offset += 1000
      const record = { key: Uint8Array.of(1), value: null, timestamp: 0, offset, headers: [] }
      return { topic, partition, records: [record], nextOffset: at.offset }
    })
  }

  ready(): Promise<void> {
    return systemClock.nextTurn()
  }

  close(): Promise<void> {
    return Promise.resolve()
  }
}

/** Tells what is asked of the state of one task; its engine writes when it is told to. */
class ProbedState {
  readonly asked: string[] = []
  readonly positions: number[] = []
  readonly offsets: number[] = []
  underWay = 0
  underWayMax = 0
  write: () => Promise<void> = () => systemClock.nextTurn()
  readonly #topic: string

  constructor(topic: string) {
    this.#topic = topic
  }

  get isBulk(): boolean {
    return this.asked.at(-1) === 'bulk'
  }

  changelogs(): ReturnType<StateManager['changelogs']> {
    const nothing = { position: undefined, refilling: undefined, options: undefined }
    return [{ topic: this.#topic, storeName: 's', isSource: false, persistent: true, ...nothing }]
  }

  readonly topicIds = new Map<string, string>()

  holdsRows(): Promise<boolean> {
    return Promise.resolve(false)
  }

  restored(): Promise<void> {
    return Promise.resolve()
  }

  async prepareFor(load: string): Promise<void> {
    expect(this.underWay).toBe(0)
    this.asked.push(load)
  }

  async restore(
    _: string,
    records: readonly { offset: number }[],
    position: { offset: number },
  ): Promise<void> {
    this.underWay += 1
    this.underWayMax = Math.max(this.underWayMax, this.underWay)
    this.offsets.push(...records.map(({ offset }) => offset))
    try {
      await this.write()
      this.positions.push(position.offset)
    } finally {
      this.underWay -= 1
    }
  }
}

const LARGE = 100_000
const SMALL = 50_500

function subject(ends: { readonly [topic: string]: number }) {
  const offsets = (of: (topic: string) => number) => async (partitions: readonly { topic: string }[]) =>
    new Map(partitions.map(({ topic }) => [`${topic}-0`, of(topic)]))
  const admin = {
    endOffsets: offsets(topic => ends[topic]!),
    beginningOffsets: offsets(() => 0),
    describeTopics: async () => new Map(),
  } as unknown as Admin
  const consumer = new SparseConsumer()
  const broker = { consumer: async () => consumer } as unknown as Broker
  const restorer = new Restorer({
    broker,
    admin,
    settings: { processingGuarantee: 'at-least-once' } as RuntimeSettings,
    clock: systemClock,
    logger: silentLogger,
    metrics: new Metrics(),
    clientId: 'test',
  })
  const states = new Map(Object.keys(ends).map(topic => [topic, new ProbedState(topic)]))
  const restore = (topic: string, signal = new AbortController().signal) =>
    restorer.restore({
      taskId: `0_${topic}` as RestoreRequest['taskId'],
      partition: 0,
      state: states.get(topic) as unknown as StateManager,
      committedOffset: () => undefined,
      isMarked: () => undefined,
      isWhole: () => false,
      signal,
    })
  return { restorer, restore, consumer, state: (topic: string) => states.get(topic)! }
}

const seriesTo = (end: number) => Array.from({ length: Math.ceil(end / 1000) }, (_, at) => at * 1000)

describe('restorer', () => {
  it('brings everything up to the end, in order, one batch of a store at a time', async () => {
    const { restore, restorer, state } = subject({ large: LARGE, small: SMALL })
    await Promise.all([restore('large'), restore('small')])
    for (const [topic, end] of [['large', LARGE] as const, ['small', SMALL] as const]) {
      const { offsets, positions, underWay, underWayMax } = state(topic)
      expect(offsets).toEqual(seriesTo(end))
      // Never beyond the end, wherever the last batch ended.
      expect(positions).toEqual([...seriesTo(end).slice(1), end])
      expect([underWay, underWayMax]).toEqual([0, 1])
    }
    await restorer.close()
  })

  it('prepares engines for many records, three tasks at a time; those with few wait for nobody', async () => {
    const names = ['a', 'b', 'c', 'd', 'e']
    const { restore, restorer, state } = subject({
      ...Object.fromEntries(names.map(name => [name, LARGE])),
      small: SMALL,
    })
    const done: string[] = []
    let bulkMax = 0
    let open: () => void = () => undefined
    const gate = new Promise<void>(resolve => (open = resolve))
    for (const name of names) {
      state(name).write = async () => {
        bulkMax = Math.max(bulkMax, names.filter(each => state(each).isBulk).length)
        await (name === 'a' ? gate : systemClock.nextTurn())
      }
    }
    const all = [...names, 'small'].map(name => restore(name).then(() => done.push(name)))
    await eventually(() => expect(state('a').underWay).toBe(1))
    // What is read ahead for the slow engine is bounded, so nobody else gets further either.
    expect(done).not.toContain('a')
    open()
    await Promise.all(all)
    expect(bulkMax).toBe(3)
    expect(done.indexOf('small')).toBeLessThan(done.indexOf('d'))
    expect(state('small').asked).toEqual([])
    for (const name of names) expect(state(name).asked).toEqual(['bulk', 'steady'])
    await restorer.close()
  })

  it('holds no more than a few polls while an engine does not get on', async () => {
    const { restore, restorer, state } = subject({ slow: LARGE, other: SMALL })
    let open: () => void = () => undefined
    const gate = new Promise<void>(resolve => (open = resolve))
    state('slow').write = () => gate
    const all = [restore('slow'), restore('other')]
    await eventually(() => expect(state('other').offsets.length).toBeGreaterThan(0))
    for (let turn = 0; turn < 50; turn += 1) await systemClock.nextTurn()
    expect(state('slow').offsets).toHaveLength(1)
    expect(state('other').offsets.length).toBeLessThan(10)
    open()
    await Promise.all(all)
    expect(state('slow').offsets).toEqual(seriesTo(LARGE))
    await restorer.close()
  })

  it('lets a task go that is taken away while it waits for its turn, or while its engine writes', async () => {
    const { restore, restorer, state } = subject({ a: LARGE, b: LARGE, c: LARGE, d: LARGE })
    let open: () => void = () => undefined
    const gate = new Promise<void>(resolve => (open = resolve))
    for (const name of ['a', 'b', 'c']) state(name).write = () => gate
    const running = ['a', 'b'].map(name => restore(name))
    const abort = new AbortController()
    const taken = [restore('c', abort.signal), restore('d', abort.signal)]
    await eventually(() => expect(state('c').underWay).toBe(1))
    const gone = Promise.allSettled(taken)
    abort.abort()
    for (const outcome of await gone) expect(outcome.status).toBe('rejected')
    expect(state('d').asked).toEqual([])
    open()
    await Promise.all(running)
    expect(state('c').offsets).toHaveLength(1)
    await restorer.close()
  })

  it('ends with the error of an engine, writes nothing after it, and goes on with the next task', async () => {
    const { restore, restorer, state } = subject({ broken: LARGE, next: SMALL })
    state('broken').write = async () => {
      await systemClock.nextTurn()
      throw new Error('disk full')
    }
    await expect(restore('broken')).rejects.toThrow('disk full')
    for (let turn = 0; turn < 10; turn += 1) await systemClock.nextTurn()
    expect(state('broken').offsets).toHaveLength(1)
    expect(state('broken').asked).toEqual(['bulk'])
    await restore('next')
    expect(state('next').offsets).toEqual(seriesTo(SMALL))
    await restorer.close()
  })

  it.each([
    ['OFFSET_OUT_OF_RANGE', 'TASK_CORRUPTED'],
    ['TOPIC_AUTHORIZATION_FAILED', 'TOPIC_AUTHORIZATION_FAILED'],
  ])('ends the task whose partition the broker refuses (%s), and no other', async (refused, seen) => {
    const { restore, restorer, consumer, state } = subject({ gone: LARGE, there: LARGE })
    const partitions = [{ topic: 'gone', partition: 0 }]
    state('gone').write = async () => {
      consumer.failure ??= new BrokerError(refused, 'fatal', 'sabotage', { partitions })
    }
    const there = restore('there')
    await expect(restore('gone')).rejects.toMatchObject({ code: seen })
    await there
    expect(state('there').offsets).toEqual(seriesTo(LARGE))
    await restorer.close()
  })

  it('ends the task whose engine fails, and no other', async () => {
    const { restore, restorer, state } = subject({ broken: LARGE, next: LARGE })
    state('broken').write = () => Promise.reject(new Error('disk full'))
    const next = restore('next')
    await expect(restore('broken')).rejects.toThrow('disk full')
    await next
    expect(state('next').offsets).toEqual(seriesTo(LARGE))
    await restorer.close()
  })
})
