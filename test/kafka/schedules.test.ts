import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { systemClock, systemRandom } from '../../lib/index.ts'
import { ScheduleClient } from '../../lib/patterns/schedules/schedule-client.ts'
import { eventually } from '../support/eventually.ts'
import { needs } from '../support/needs.ts'
import { firedTimes, gapsAndDoubles, schedulesSubject } from '../support/schedules-subject.ts'
import { createTopics, readAll, textOf } from '../support/topics.ts'
import { KafkaStage } from './support/kafka-stage.ts'

const { brokers, suite } = await needs('native client', 'broker')
const SETTINGS = { commitIntervalMs: 20, sessionTimeoutMs: 2_000, transactionTimeoutMs: 3_000 }
const DEFINITIONS = 400

await suite('schedules on a real broker', () => {
  it('kill -9, a stop and a member more at random moments: each time and each definition fires once', async () => {
    const stage = await KafkaStage.open(brokers, 'schedules')
    const { broker, prefix, applicationId, admin } = stage
    await createTopics(broker, { [`${prefix}out`]: 1, [`${prefix}mails`]: 1 })
    const fired = (count: number) =>
      eventually(async () => (await firedTimes(broker, `${prefix}out`)).length >= count, {
        pauseMs: 50,
        what: `${count} firings`,
      })
    const moment = () => sleep(Math.random() * 200)

    let one = await stage.start('schedules', 'one', SETTINGS)
    await fired(100)
    const client = new ScheduleClient({
      plan: schedulesSubject(prefix).plan(applicationId),
      broker,
      admin: () => Promise.resolve(admin),
      clock: systemClock,
      random: systemRandom,
      by: 'test',
    })
    const dueMs = Date.now() + 4_000
    const ids = Array.from({ length: DEFINITIONS }, (_, at) => `mail-${at}`)
    await Promise.all(
      ids.map((id, at) => client.put(id, { at: dueMs + at * 10, to: { sink: 'mails', key: id, value: id } })),
    )
    await moment()
    await one.kill()
    one = await stage.restart(one)
    await fired(1_000)
    const two = await stage.start('schedules', 'two', SETTINGS)
    await fired(2_000)
    one.stop()
    await fired(4_000)
    one.continue()
    await moment()
    await two.kill()
    await stage.restart(two)
    const mails = async () => (await readAll(broker, `${prefix}mails`)).map(({ value }) => textOf(value))
    await eventually(async () => (await mails()).length >= DEFINITIONS, { pauseMs: 50, what: 'all mails' })
    await fired(8_000)
    expect(gapsAndDoubles(await firedTimes(broker, `${prefix}out`))).toEqual([])
    expect((await mails()).sort()).toEqual(ids.sort())
    // Each has removed its definition.
    await eventually(async () => (await client.list()).length === 1)
  }, 120_000)
})
