import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { systemClock } from '../../lib/common/clock.ts'
import { systemRandom } from '../../lib/common/random.ts'
import { ScheduleClient } from '../../lib/patterns/schedules/schedule-client.ts'
import { eventually } from '../support/eventually.ts'
import { needs } from '../support/needs.ts'
import { RenewalsProvider, renewalsSubject } from '../support/renewals-subject.ts'
import { createTopics, produce, readAll } from '../support/topics.ts'
import { KafkaStage } from './support/kafka-stage.ts'

const { brokers, suite } = await needs('native client', 'broker')
const PARTITIONS = 4
const USERS = 500
const SETTINGS = { commitIntervalMs: 50, sessionTimeoutMs: 2_000, transactionTimeoutMs: 3_000 }

await suite('renewals on a real broker', () => {
  it('a provider that fails and is down, processes killed, stopped and more: each renewal once, in order', async () => {
    const provider = await RenewalsProvider.listen()
    const stage = await KafkaStage.open(brokers, 'renewals')
    const { broker, admin, prefix, applicationId } = stage
    await createTopics(broker, {
      [`${prefix}users`]: PARTITIONS,
      [`${prefix}requests`]: PARTITIONS,
      [`${prefix}renewed`]: PARTITIONS,
    })
    const users = Array.from({ length: USERS }, (_, at) => `u${at}`)
    await produce(
      broker,
      `${prefix}users`,
      PARTITIONS,
      users.map(user => [user, 'yoga'] as const),
    )
    const charges = (count: number) =>
      eventually(() => provider.charges >= count, { pauseMs: 20, what: `${count} charges` })

    let one = await stage.start('renewals', 'one', SETTINGS)
    await charges(200)
    await sleep(Math.random() * 200)
    await one.kill()
    one = await stage.restart(one)
    const two = await stage.start('renewals', 'two', SETTINGS)
    await charges(provider.charges + 500)
    provider.isDown = true
    await sleep(Math.random() * 500)
    await two.kill()
    const again = await stage.restart(two)
    await sleep(Math.random() * 500)
    provider.isDown = false
    await charges(provider.charges + 300)
    one.stop()
    await charges(provider.charges + 300)
    one.continue()

    const schedules = new ScheduleClient({
      plan: renewalsSubject(prefix).plan(applicationId),
      ...{ broker, clock: systemClock, random: systemRandom, by: 'the test' },
      admin: () => Promise.resolve(admin),
    })
    await schedules.pause('run', 'the test has seen enough')
    const count = async (topic: string) => (await readAll(broker, `${prefix}${topic}`)).length
    await eventually(
      async () => {
        const requests = await count('requests')
        return requests > 0 && requests === provider.charges && requests === (await count('renewed'))
      },
      { pauseMs: 200, what: 'a receipt for each request' },
    )
    again.assertAlive()
    // Each firing asked for each user, and each was charged once, in its order.
    for (const user of users) {
      const times = provider.charged.get(user) ?? []
      expect(times, user).toEqual([...new Set(times)].sort((left, right) => left - right))
    }
    expect(await count('requests')).toBe([...provider.charged.values()].flat().length)
    expect((await readAll(broker, `${applicationId}-charge-dlq`)).length).toBe(0)
  })
})
