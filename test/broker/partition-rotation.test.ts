import fc from 'fast-check'
import { expect, test } from 'vitest'
import { PartitionRotation } from '../../lib/broker/kafka/client/fetch/partition-rotation.ts'
import { ManualClock } from '../../lib/testing/manual-clock.ts'

/** A partition with so many records. */
class Queue {
  readonly topic: string
  readonly partition: number
  left: number

  constructor(topic: string, partition: number, left: number) {
    this.topic = topic
    this.partition = partition
    this.left = left
  }

  get ready(): boolean {
    return this.left > 0
  }
}

/** Polls by 500 until nothing is left; what was taken one after the other, as `partition × records`. */
function runs(turns: PartitionRotation<Queue>, afterPoll: () => void = () => undefined): [number, number][] {
  const taken: [number, number][] = []
  const take = (queue: Queue, max: number) => {
    const count = Math.min(max, queue.left)
    queue.left -= count
    const last = taken.at(-1)
    if (last?.[0] === queue.partition) last[1] += count
    else taken.push([queue.partition, count])
    return count
  }
  for (let before = -1; before !== sumOf(taken);) {
    before = sumOf(taken)
    turns.take(500, take)
    afterPoll()
  }
  return taken
}

function sumOf(taken: readonly (readonly [number, number])[]): number {
  return taken.reduce((sum, [, count]) => sum + count, 0)
}

test('a partition keeps its turn for some thousands of records, and then it is the next one’s', () => {
  const turns = new PartitionRotation<Queue>(new ManualClock(), { keepsTurns: true })
  turns.queues = [0, 1, 2].map(partition => new Queue('in', partition, 9000))
  const taken = runs(turns)
  expect(taken.map(([partition]) => partition)).toEqual([0, 1, 2, 0, 1, 2])
  expect(taken.slice(0, 3).map(([, count]) => count)).toEqual([4500, 4500, 4500])
})

test('a turn ends when it has taken its time, however few records that were', () => {
  const clock = new ManualClock()
  const turns = new PartitionRotation<Queue>(clock, { keepsTurns: true })
  turns.queues = [0, 1].map(partition => new Queue('in', partition, 2000))
  const taken = runs(turns, () => clock.advance(11))
  expect(taken.map(([partition]) => partition)).toEqual([0, 1, 0, 1])
})

test('where turns are not kept, each poll is for another partition', () => {
  const turns = new PartitionRotation<Queue>(new ManualClock(), { keepsTurns: false })
  turns.queues = [0, 1].map(partition => new Queue('in', partition, 1000))
  expect(runs(turns)).toEqual([
    [0, 500],
    [1, 500],
    [0, 500],
    [1, 500],
  ])
})

test('a partition without records does not keep the turn', () => {
  const turns = new PartitionRotation<Queue>(new ManualClock(), { keepsTurns: true })
  const queues = [100, 0, 100].map((left, partition) => new Queue('in', partition, left))
  turns.queues = queues
  expect(runs(turns)).toEqual([
    [0, 100],
    [2, 100],
  ])
})

test('the inputs of one task have their turn together, and each gets its share', () => {
  const turns = new PartitionRotation<Queue>(new ManualClock(), { keepsTurns: true })
  const [left, right] = [new Queue('left', 0, 3000), new Queue('right', 0, 3000)]
  turns.queues = [left, new Queue('left', 1, 3000), right]
  const take = (queue: Queue, max: number) => {
    const count = Math.min(max, queue.left)
    queue.left -= count
    return count
  }
  for (let poll = 0; poll < 4; poll += 1) turns.take(500, take)
  expect([left.left, right.left]).toEqual([2000, 2000])
})

test('every poll is as full as what is there allows, and nothing is left behind', () => {
  const lengths = fc.array(fc.nat({ max: 6000 }), { minLength: 1, maxLength: 9 })
  fc.assert(
    fc.property(lengths, fc.integer({ min: 1, max: 3 }), (all, partitions) => {
      const turns = new PartitionRotation<Queue>(new ManualClock(), { keepsTurns: true })
      const queues = all.map((left, number) => new Queue(`topic-${number}`, number % partitions, left))
      turns.queues = queues
      let total = all.reduce((sum, left) => sum + left, 0)
      while (total > 0) {
        let polled = 0
        turns.take(500, (queue, max) => {
          const count = Math.min(max, queue.left)
          queue.left -= count
          polled += count
          return count
        })
        expect(polled).toBe(Math.min(500, total))
        total -= polled
      }
      expect(queues.every(({ left }) => left === 0)).toBe(true)
    }),
  )
})
