import { expect, it, onTestFinished } from 'vitest'
import type { Broker } from '../../lib/broker/broker.ts'
import { openBroker } from '../../lib/broker/open/open-broker.ts'
import { silentLogger } from '../../lib/common/logger.ts'
import { StreamsBuilder } from '../../lib/dsl/methods/streams-builder.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import { KafkaStreams } from '../../lib/streams/kafka-streams.ts'
import type { Topology } from '../../lib/topology/topology.ts'
import { eventually } from '../support/eventually.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { createTopics, produce, readAll, textOf } from '../support/topics.ts'

const text = { keySerde: serdes.string(), valueSerde: serdes.string() }

function ordersWithUsers(): Topology {
  const builder = new StreamsBuilder()
  const users = builder.table('users', text)
  builder
    .table('orders', text)
    .leftJoin(
      users,
      order => order.split(':')[0] ?? null,
      (order, user) => `${order}=${user ?? 'nobody'}`,
    )
    .toStream()
    .to('out', text)
  return builder.build()
}

async function start(broker: Broker, stateDir: string): Promise<KafkaStreams> {
  const config = { applicationId: 'app', commitIntervalMs: 10, stateDir }
  const streams = new KafkaStreams(ordersWithUsers(), config, { broker, logger: silentLogger })
  onTestFinished(() => streams.close())
  await streams.start()
  return streams
}

/** The table that the topic makes: the last value of each key. */
async function table(broker: Broker): Promise<{ [key: string]: string | null }> {
  const rows: { [key: string]: string | null } = {}
  for (const { key, value } of await readAll(broker, 'out')) rows[String(textOf(key))] = textOf(value)
  return rows
}

const orderKeys = Array.from({ length: 40 }, (_, i) => `order-${i}`)
const userOf = (i: number) => `user-${i % 7}`

it('a foreign-key join over unlike partition counts follows both sides, also after its state was lost', async () => {
  const broker = await openBroker('memory')
  onTestFinished(() => broker.close())
  await createTopics(broker, { orders: 3, users: 5, out: 2 })
  const first = await start(broker, await temporaryDirectory())
  await produce(
    broker,
    'orders',
    3,
    orderKeys.map((key, i) => [key, `${userOf(i)}:${i}`] as const),
  )
  await produce(
    broker,
    'users',
    5,
    Array.from({ length: 6 }, (_, i) => [`user-${i}`, `name-${i}`] as const),
  )
  const expected = (nameOf: (user: number) => string) =>
    Object.fromEntries(orderKeys.map((key, i) => [key, `${userOf(i)}:${i}=${nameOf(i % 7)}`]))
  const named = (user: number) => (user < 6 ? `name-${user}` : 'nobody')
  await eventually(async () => expect(await table(broker)).toEqual(expected(named)))
  await first.close()

  // A new directory: subscriptions come back from their changelog, and with them who waits for user-6.
  await start(broker, await temporaryDirectory())
  await produce(broker, 'users', 5, [
    ['user-6', 'late'],
    ['user-0', null],
  ])
  const renamed = (user: number) => (user === 6 ? 'late' : user === 0 ? 'nobody' : named(user))
  await eventually(async () => expect(await table(broker)).toEqual(expected(renamed)))

  await produce(broker, 'orders', 3, [['order-1', null]])
  await eventually(async () => expect((await table(broker))['order-1']).toBeNull())
})
