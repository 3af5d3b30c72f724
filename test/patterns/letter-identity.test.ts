import { expect, it, onTestFinished } from 'vitest'
import { openEmbeddedBroker } from '../../lib/broker/embedded/embedded-broker.ts'
import { utf8 } from '../../lib/common/bytes.ts'
import { letterRecord } from '../../lib/processor/letter.ts'
import { lettersOf } from '../support/replay-stage.ts'
import { createTopics, readAll, textOf } from '../support/topics.ts'

const BOX = 'app-charge-dlq'

/** Letters of the operator `charge`, written as its tasks write them. */
async function written(
  letters: readonly { id: string; partition: number; topic?: string; value: string; atMs: number }[],
) {
  const broker = await openEmbeddedBroker()
  onTestFinished(() => broker.close())
  await createTopics(broker, { [BOX]: 2, 'app-charge-replay': 2 })
  const write = async (batch: typeof letters) => {
    const producer = await broker.producer({ clientId: 'writer' })
    for (const { id, partition, topic, value, atMs } of batch) {
      const input = { key: null, value: utf8(value) }
      const error = { name: 'Error', message: 'no' }
      const context = { topic, partition: topic ? partition : -1, offset: topic ? 0 : -1, timestamp: 7 }
      const record = letterRecord({
        ...{ id, applicationId: 'app', operator: 'charge', reason: 'gave-up', attempts: 1, input },
        ...{ firstFailedMs: atMs, lastFailedMs: atMs, firstError: error, lastError: error },
        context: { ...context, headers: [], source: topic ? input : undefined },
      })
      producer.send({ ...record, topic: BOX, partition })
    }
    await producer.flush()
    await producer.close()
  }
  await write(letters)
  const replayed = async () => (await readAll(broker, 'app-charge-replay')).map(({ value }) => textOf(value))
  return { broker, write, replayed, letters: await lettersOf(broker, 'app') }
}

it('records that punctuators of several tasks make at one moment are replayed each', async () => {
  const letter = { id: 'punctuated-7-0', atMs: 1_000 }
  const { letters, replayed } = await written([
    { ...letter, partition: 0, value: 'a' },
    { ...letter, partition: 1, value: 'b' },
    { ...letter, partition: 1, value: 'c' },
  ])
  expect((await letters.replay({ where: ({ value }) => value?.[0] === 0x61 })).letters).toHaveLength(1)
  expect((await letters.replay({})).letters).toHaveLength(2)
  expect(await replayed()).toEqual(['a', 'b', 'c'])
  expect((await letters.replay({})).left).toBe(3)
})

it('a record that is given up again by a process whose clock is behind has a letter that is open', async () => {
  const letter = { id: 'in-0-0', topic: 'in', partition: 0 }
  const { broker, letters, write, replayed } = await written([{ ...letter, value: 'first', atMs: 5_000 }])
  await letters.replay({})
  await write([{ ...letter, value: 'again', atMs: 4_000 }])
  const { letters: open } = await letters.replay({})
  expect(open.map(({ lastFailedMs }) => lastFailedMs)).toEqual([4_000])
  expect(await replayed()).toEqual(['first', 'again'])
  expect((await letters.purge({}, { force: true })).letters).toHaveLength(1)
  expect(await readAll(broker, BOX)).toEqual([])
})
