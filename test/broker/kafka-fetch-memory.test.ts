import { Buffer } from 'node:buffer'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { RawRecord, RecordInBuffer } from '../../lib/broker/broker.ts'
import { DecodeBudget } from '../../lib/broker/kafka/client/fetch/decode-budget.ts'
import { FetchQueue } from '../../lib/broker/kafka/client/fetch/fetch-queue.ts'
import { FetchedRecords } from '../../lib/broker/kafka/client/fetch/fetched-records.ts'
import { eventually } from '../support/eventually.ts'
import { encodeBatch, type BatchToEncode } from './batch-encoder.ts'
import { fakeCluster, reader, start } from './direct-reader.ts'
import type { FakeCluster } from './fake-cluster.ts'

const RECORDS = 4

/** A batch of four records, of so many bytes each when it is decompressed; many fewer before. */
function batch(firstOffset: number, valueBytes: number, compression: BatchToEncode['compression'] = 'gzip') {
  const records = Array.from({ length: RECORDS }, (_, index) => ({
    offset: firstOffset + index,
    value: Buffer.alloc(valueBytes, firstOffset + index),
  }))
  return encodeBatch({ records, compression })
}

function write(fake: FakeCluster, partition: number, sizes: readonly number[]): void {
  const { batches } = fake.partitions[partition]!
  for (const valueBytes of sizes) {
    const firstOffset = batches.length * RECORDS
    batches.push({
      firstOffset,
      lastOffset: firstOffset + RECORDS - 1,
      bytes: batch(firstOffset, valueBytes),
    })
  }
}

const bufferOf = (record: RawRecord) => (record as RecordInBuffer).buffer

/** Bytes of the different batches that these records lie in. */
function batchBytes(records: readonly RawRecord[]): number[] {
  return Array.from(new Set(records.map(bufferOf)), ({ length }) => length)
}

const total = (bytes: readonly number[]) => bytes.reduce((sum, each) => sum + each, 0)

describe('memory for decompressed batches', () => {
  test('one poll hands out no more than the bound, however many records it may', async () => {
    const fake = await fakeCluster()
    write(
      fake,
      0,
      Array.from({ length: 100 }, () => 10_000),
    )
    const reading = reader(fake, {}, 200_000)
    start(fake, reading)
    const polls: number[] = []
    await eventually(
      () => {
        const before = reading.records.length
        reading.poll(1_000)
        polls.push(total(batchBytes(reading.records.slice(before))))
        return reading.records.length === 400
      },
      { what: 'all records', pauseMs: 1 },
    )
    expect(Math.max(...polls)).toBeLessThanOrEqual(200_000)
    // Not one by one either.
    expect(Math.max(...polls)).toBeGreaterThan(150_000)
  })

  test('a batch that is larger than the bound is decoded alone', async () => {
    const fake = await fakeCluster(3)
    for (const partition of [0, 1, 2]) write(fake, partition, [10_000, 100_000, 10_000, 100_000])
    const reading = reader(fake, {}, 150_000)
    start(fake, reading)
    await eventually(
      () => {
        const before = reading.records.length
        reading.poll(3)
        const bytes = batchBytes(reading.records.slice(before))
        expect(total(bytes) <= 150_000 || bytes.length === 1).toBe(true)
        return reading.records.length === 48
      },
      { what: 'all records', pauseMs: 1 },
    )
  })

  test('a batch that lies open counts for the bound: its partition is not asked for more, others are', async () => {
    const fake = await fakeCluster(2)
    write(fake, 0, [100_000])
    const reading = reader(fake, {}, 100_000)
    start(fake, reading)
    await eventually(() => {
      reading.poll(1)
      return reading.records.length === 1
    })
    const before = fake.fetches.length
    write(fake, 0, [10])
    await eventually(
      () => {
        reading.fetcher.tick()
        return fake.fetches.length > before + 4
      },
      { what: 'requests for the other partition' },
    )
    // The first of them may have been under way.
    const later = fake.fetches.slice(before + 1).flatMap(({ partitions }) => partitions)
    expect(later.map(({ partition }) => partition)).not.toContain(0)
    await reading.readTo(8)
  })

  test('a partition that is paused within a batch holds up no other, and goes on where it was', async () => {
    const fake = await fakeCluster(2)
    for (const partition of [0, 1]) write(fake, partition, [400_000, 400_000])
    const reading = reader(fake, {}, 100_000)
    start(fake, reading)
    await eventually(() => {
      reading.poll(1)
      return reading.records.length === 1
    })
    // Which of the two came first is not said.
    const paused = reading.fetcher.position({ topic: fake.topic, partition: 0 }) === 1 ? 0 : 1
    const other = 1 - paused
    reading.fetcher.pause([{ topic: fake.topic, partition: paused }])
    await reading.readTo(8, other)
    expect(reading.records).toHaveLength(9)
    reading.fetcher.resume([{ topic: fake.topic, partition: paused }])
    await reading.readTo(8, paused)
    expect(reading.records).toHaveLength(16)
    const offsets = reading.records.map(({ offset }) => offset).sort((one, two) => one - two)
    expect(offsets).toEqual([0, 1, 2, 3, 4, 5, 6, 7].flatMap(offset => [offset, offset]))
    expect(reading.records.every(({ offset, value }) => value!.every(byte => byte === offset))).toBe(true)
  })

  test('a large batch gets its turn, though others have small ones without end', async () => {
    const fake = await fakeCluster(3)
    write(fake, 0, [100_000])
    for (const partition of [1, 2])
      write(
        fake,
        partition,
        Array.from({ length: 60 }, () => 1_000),
      )
    const reading = reader(fake, {}, 100_000)
    start(fake, reading)
    await reading.readTo(RECORDS, 0)
    expect(reading.records.length).toBeLessThan(400)
  })

  test('a partition that leaves while its large batch waits holds up no other', async () => {
    const fake = await fakeCluster(3)
    write(fake, 0, [10_000])
    write(fake, 1, [100_000])
    write(fake, 2, [10_000, 10_000])
    const reading = reader(fake, {}, 100_000)
    start(fake, reading)
    const fetched = (partition: number) => reading.fetcher.knownEnd({ topic: fake.topic, partition })
    await eventually(() => [0, 1, 2].every(partition => fetched(partition) !== undefined))
    // All of the first, after which the second is asked and has to wait.
    reading.poll(RECORDS + 1)
    expect(reading.records).toHaveLength(RECORDS)
    reading.fetcher.unassign([{ topic: fake.topic, partition: 1 }])
    await reading.readTo(2 * RECORDS, 2)
  })
})

describe('the budget for decompressed batches', () => {
  function holders(bytesMax: number) {
    const all = ['a', 'b', 'c'].map(name => ({
      name,
      paused: false,
      openBytes: 0,
      closeBatch() {
        this.openBytes = 0
      },
    }))
    const budget = new DecodeBudget(bytesMax, () => all)
    const [a, b, c] = all as [(typeof all)[0], (typeof all)[0], (typeof all)[0]]
    return { a, b, c, budget }
  }

  test('is kept for the first that does not fit, until it is alone', () => {
    const { a, b, c, budget } = holders(100)
    a.openBytes = 10
    expect([budget.mayOpen(b, 200), budget.mayOpen(c, 10), budget.mayOpen(a, 10)]).toEqual([
      false,
      false,
      false,
    ])
    a.closeBatch()
    expect(budget.mayOpen(c, 10)).toBe(false)
    expect(budget.mayOpen(b, 200)).toBe(true)
    b.openBytes = 200
    expect(budget.mayOpen(c, 10)).toBe(false)
    b.closeBatch()
    expect(budget.mayOpen(c, 10)).toBe(true)
  })

  test('is not kept for one that is paused, or has left', () => {
    const { a, b, c, budget } = holders(100)
    a.openBytes = 10
    expect(budget.mayOpen(b, 200)).toBe(false)
    b.paused = true
    expect(budget.mayOpen(c, 10)).toBe(true)
    b.paused = false
    expect([budget.mayOpen(b, 200), budget.mayOpen(c, 10)]).toEqual([false, false])
    budget.forget(b)
    expect(budget.mayOpen(c, 10)).toBe(true)
  })

  test('is taken from those that are paused, only where it is needed', () => {
    const { a, b, budget } = holders(100)
    Object.assign(a, { openBytes: 60, paused: true })
    expect([budget.mayOpen(b, 40), a.openBytes]).toEqual([true, 60])
    expect([budget.mayOpen(b, 41), a.openBytes]).toEqual([true, 0])
  })
})

/** Partitions as a fetcher has them, without a cluster. */
class Stage {
  readonly queues: FetchQueue[]
  readonly budget: DecodeBudget
  readonly #bytesMax: number
  /** Buffers that came over the wire. */
  readonly #fetched = new Set<Buffer>()

  constructor(partitions: readonly (readonly BatchToRead[])[], bytesMax: number) {
    this.#bytesMax = bytesMax
    this.budget = new DecodeBudget(bytesMax, () => this.queues)
    this.queues = partitions.map((batches, partition) => {
      const queue = new FetchQueue('topic', partition, 0)
      const gate = {
        mayOpen: (bytes: number) => this.budget.mayOpen(queue, bytes),
        handedOut: (bytes: number) => this.budget.handedOut(bytes),
      }
      batches.forEach(({ valueBytes, compression }, index) => {
        const buffer = batch(index * RECORDS, valueBytes, compression)
        this.#fetched.add(buffer)
        const span = { buffer, start: 0, end: buffer.length, offset: index * RECORDS, logEnd: 1_000 }
        queue.append(new FetchedRecords(span, { aborted: undefined, checkCrc: true, gate }))
      })
      return queue
    })
  }

  /** Every partition that is not paused is asked once; returns what came. The memory for it is looked at. */
  poll(max: number): RawRecord[][] {
    this.budget.beginPoll()
    const taken = this.queues.map(queue => (queue.ready ? [...queue.take(max).records] : []))
    const finished = new Set(
      taken
        .flat()
        .map(bufferOf)
        .filter(buffer => !this.#fetched.has(buffer)),
    )
    // A batch that is not at its end lies open, and is counted there.
    for (const last of taken.map(records => records.at(-1))) {
      if (last && last.offset % RECORDS !== RECORDS - 1) finished.delete(bufferOf(last))
    }
    const open = this.queues.map(({ openBytes }) => openBytes).filter(bytes => bytes > 0)
    const held = [...open, ...Array.from(finished, ({ length }) => length)]
    expect(total(held) <= this.#bytesMax || held.length === 1).toBe(true)
    return taken
  }
}

interface BatchToRead {
  readonly valueBytes: number
  readonly compression: 'none' | 'gzip' | 'snappy'
}

test('whatever is paused and resumed, every record comes once, in order, and polls never come to nothing', () => {
  const batches = fc.array(
    fc.record({
      valueBytes: fc.constantFrom(1, 50, 200, 1_000),
      compression: fc.constantFrom('none' as const, 'gzip' as const, 'snappy' as const),
    }),
    { maxLength: 6 },
  )
  const steps = fc.array(fc.record({ max: fc.integer({ min: 1, max: 9 }), toggle: fc.nat(5) }), {
    maxLength: 60,
  })
  fc.assert(
    fc.property(
      fc.array(batches, { minLength: 1, maxLength: 4 }),
      fc.constantFrom(100, 1_000, 3_000),
      steps,
      (partitions, bytesMax, moves) => {
        const stage = new Stage(partitions, bytesMax)
        const found: number[][] = partitions.map(() => [])
        const pollOnce = (max: number) => {
          const isReady = stage.queues.some(queue => queue.ready)
          const taken = stage.poll(max)
          taken.forEach((records, at) => found[at]!.push(...records.map(({ offset }) => offset)))
          expect(taken.flat().length > 0).toBe(isReady)
        }
        for (const { max, toggle } of moves) {
          const queue = stage.queues[toggle]
          if (queue) queue.paused = !queue.paused
          pollOnce(max)
        }
        for (const queue of stage.queues) queue.paused = false
        while (stage.queues.some(queue => queue.ready)) pollOnce(5)
        expect(found).toEqual(
          partitions.map(each => Array.from({ length: each.length * RECORDS }, (_, offset) => offset)),
        )
      },
    ),
    { numRuns: 500 },
  )
})
