import { setTimeout as sleep } from 'node:timers/promises'
import { it } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { needs } from '../support/needs.ts'
import { countFates, expectFates, prepareRetry, retryInput } from '../support/retry-subject.ts'
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
})
