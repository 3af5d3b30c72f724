import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { readLetter } from '../../lib/processor/letter.ts'
import { eventually } from '../support/eventually.ts'
import { needs } from '../support/needs.ts'
import { lettersOf } from '../support/replay-stage.ts'
import { countFates, expectFates, prepareRetry, retryInput } from '../support/retry-subject.ts'
import { readAll } from '../support/topics.ts'
import { KafkaStage } from './support/kafka-stage.ts'

const { brokers, suite } = await needs('native client', 'broker')
const PARTITIONS = 4
const RECORDS = 1_600
const SETTINGS = {
  maxPollRecords: 25,
  bufferedRecordsPerPartition: 25,
  commitIntervalMs: 20,
  sessionTimeoutMs: 2_000,
  transactionTimeoutMs: 3_000,
}

await suite('retry on a real broker', () => {
  it('kill -9, a stop and a member more at random moments: output or letter, once, in order of each key', async () => {
    const stage = await KafkaStage.open(brokers, 'retry')
    const { broker, prefix, applicationId } = stage
    const input = retryInput(RECORDS)
    await prepareRetry(broker, input, PARTITIONS, prefix)
    const fates = (count: number) =>
      eventually(async () => (await countFates(broker, applicationId, prefix).catch(() => 0)) >= count, {
        pauseMs: 20,
        what: `${count} fates`,
      })
    const moment = () => sleep(Math.random() * 200)

    let one = await stage.start('retry', 'one', SETTINGS)
    await fates(100)
    await moment()
    await one.kill()
    one = await stage.restart(one)
    await fates(400)
    const two = await stage.start('retry', 'two', SETTINGS)
    await stage.balanced([one, two], PARTITIONS)
    await fates(600)
    // Stands still until the group has given its tasks away, and goes on as a zombie.
    one.stop()
    await fates(900)
    one.continue()
    await moment()
    await two.kill()
    await stage.restart(two)
    await fates(RECORDS)
    await expectFates(broker, input, applicationId, prefix)
  })

  it('letters are replayed once each, while processes are killed and stopped', async () => {
    const stage = await KafkaStage.open(brokers, 'replay')
    const { broker, prefix, applicationId } = stage
    const input = retryInput(400)
    await prepareRetry(broker, input, PARTITIONS, prefix)
    const letters = async () =>
      (await readAll(broker, `${applicationId}-charge-dlq`)).map(each => readLetter(each)!)
    let one = await stage.start('retry', 'one', SETTINGS)
    const two = await stage.start('retry', 'two', SETTINGS)
    await eventually(async () => (await countFates(broker, applicationId, prefix).catch(() => 0)) >= 400, {
      pauseMs: 20,
      what: 'all fates',
    })
    const first = await letters()
    const client = await lettersOf(broker, applicationId)
    const replaying = client.replay({})
    await sleep(Math.random() * 100)
    await one.kill()
    two.stop()
    expect((await replaying).letters).toHaveLength(first.length)
    one = await stage.restart(one)
    two.continue()
    // What is hopeless is given up once more: one letter for each that was replayed.
    await eventually(async () => (await letters()).length >= 2 * first.length, {
      pauseMs: 20,
      what: 'the letters of the replay',
    })
    await one.kill()
    await stage.restart(one)
    const count = new Map<string, number>()
    for (const { id } of await letters()) count.set(id, (count.get(id) ?? 0) + 1)
    expect([...count.values()]).toEqual(first.map(() => 2))
    expect(new Set(count.keys())).toEqual(new Set(first.map(({ id }) => id)))
    expect(await readAll(broker, `${prefix}out`)).toHaveLength(400 - first.length)
  })
})
