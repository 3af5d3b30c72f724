import { expect } from 'vitest'
import type { Scenario } from '../broker.ts'
import { numbered, record, type Stage, thrown, valueText } from './stage.ts'

export function positionCases(scenario: Scenario): void {
  scenario('assign starts at the offset, and moves the partition alone when called again', async stage => {
    const topic = await filled(stage, 2)
    const consumer = await stage.consumer()
    consumer.assign([
      { topic, partition: 0, offset: 8 },
      { topic, partition: 1, offset: 9 },
    ])
    expect((await stage.read(consumer, 3)).map(valueText).sort()).toEqual(['v8', 'v9', 'v9'])

    consumer.assign([{ topic, partition: 0, offset: 7 }])
    expect(consumer.position({ topic, partition: 0 })).toBe(7)
    expect(consumer.position({ topic, partition: 1 })).toBe(10)
    expect((await stage.read(consumer, 3)).map(valueText)).toEqual(['v7', 'v8', 'v9'])
  })

  scenario('what was fetched before a new assign does not come out after it', async stage => {
    const topic = await filled(stage, 1)
    const consumer = await stage.consumer()
    consumer.assign([{ topic, partition: 0, offset: 0 }])
    await stage.eventually('something fetched', async () => {
      await consumer.ready(50)
      return consumer.poll(1).length > 0
    })
    consumer.assign([{ topic, partition: 0, offset: 6 }])

    expect((await stage.read(consumer, 4)).map(valueText)).toEqual(['v6', 'v7', 'v8', 'v9'])
  })

  scenario('an unassigned partition is silent and has no position', async stage => {
    const topic = await filled(stage, 2)
    const consumer = await stage.consumer()
    consumer.assign([0, 1].map(partition => ({ topic, partition, offset: 0 })))
    await consumer.ready(50)
    consumer.unassign([{ topic, partition: 0 }])

    await stage.readTo(consumer, topic, 10, 1)
    expect(consumer.position({ topic, partition: 0 })).toBeUndefined()
    expect(consumer.knownEnd({ topic, partition: 0 })).toBeUndefined()

    const again = await stage.consumer()
    again.assign([0, 1].map(partition => ({ topic, partition, offset: 0 })))
    again.unassign([{ topic, partition: 0 }])
    expect(await stage.read(again, 10)).toHaveLength(10)
  })

  scenario('a paused partition is silent until resumed, and then loses nothing', async stage => {
    const topic = await filled(stage, 2)
    const consumer = await stage.consumer()
    consumer.assign([0, 1].map(partition => ({ topic, partition, offset: 0 })))
    consumer.pause([{ topic, partition: 0 }])

    expect(await stage.read(consumer, 10)).toHaveLength(10)
    expect(consumer.position({ topic, partition: 0 })).toBe(0)
    expect(consumer.position({ topic, partition: 1 })).toBe(10)

    consumer.resume([{ topic, partition: 0 }])
    expect((await stage.read(consumer, 10)).map(valueText)).toEqual(numbered(10))
  })

  scenario('the position follows poll, and the known end the fetches', async stage => {
    const topic = await filled(stage, 1)
    const consumer = await stage.consumer()
    const partition = { topic, partition: 0 }
    expect(consumer.position(partition)).toBeUndefined()
    expect(consumer.knownEnd(partition)).toBeUndefined()

    consumer.assign([{ ...partition, offset: 2 }])
    expect(consumer.position(partition)).toBe(2)
    await stage.readTo(consumer, topic, 10)
    expect(consumer.knownEnd(partition)).toBe(10)
  })

  scenario('the position moves past the marker behind the last record', async stage => {
    const topic = await stage.topic()
    const producer = await stage.transactional()
    await producer.begin()
    producer.send(record(topic, 'a'))
    await producer.commitTransaction()

    const consumer = await stage.consumer()
    consumer.assign([{ topic, partition: 0, offset: 0 }])
    await stage.eventually('the end', () => stage.end(topic).then(end => end === 2))
    expect((await stage.readTo(consumer, topic, 2)).map(valueText)).toEqual(['a'])
  })

  scenario('a partition of aborted records only moves the position on', async stage => {
    const topic = await stage.topic()
    const producer = await stage.transactional()
    await producer.begin()
    producer.send(record(topic, 'a'))
    producer.send(record(topic, 'b'))
    await producer.flush()
    await producer.abortTransaction()

    const consumer = await stage.consumer()
    consumer.assign([{ topic, partition: 0, offset: 0 }])
    expect(await stage.readTo(consumer, topic, 3)).toEqual([])
  })

  scenario('an offset past the end is out of range, told once, and can be put right', async stage => {
    const topic = await filled(stage, 1)
    const consumer = await stage.consumer()
    consumer.assign([{ topic, partition: 0, offset: 99 }])
    const error = await stage.eventually('the error', async () => {
      await consumer.ready(20)
      try {
        consumer.poll(10)
      } catch (reason) {
        return thrown(() => {
          throw reason
        })
      }
      return undefined
    })
    expect(error.code).toBe('OFFSET_OUT_OF_RANGE')
    expect(error.partitions).toMatchObject([{ topic, partition: 0 }])

    await consumer.ready(20)
    expect(consumer.poll(10)).toEqual([])
    consumer.assign([{ topic, partition: 0, offset: 9 }])
    expect((await stage.read(consumer, 1)).map(valueText)).toEqual(['v9'])
  })
}

/** A topic with the values v0 to v9 in each partition. */
async function filled(stage: Stage, partitionCount: number): Promise<string> {
  const topic = await stage.topic(partitionCount)
  const producer = await stage.producer()
  for (let partition = 0; partition < partitionCount; partition++) {
    for (const value of numbered(10)) producer.send(record(topic, value, { partition }))
  }
  await producer.flush()
  return topic
}
