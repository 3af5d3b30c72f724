import { expect, onTestFinished, test } from 'vitest'
import { Cluster } from '../../lib/broker/kafka/client/connection/cluster.ts'
import { connectionSettings } from '../../lib/broker/kafka/client/connection/connection-settings.ts'
import { NodeConnection } from '../../lib/broker/kafka/client/connection/node-connection.ts'
import type { OpenConnection } from '../../lib/broker/kafka/client/connection/open-connection.ts'
import { METADATA } from '../../lib/broker/kafka/protocol/protocol.ts'
import { systemClock } from '../../lib/common/clock.ts'
import { eventually } from '../support/eventually.ts'
import { fakeLogs } from './direct-producer-stage.ts'

/** For the questions that a machine that stands still does not answer. */
const TIMEOUT_MS = 200

function clusterOf(brokers: string, properties: { readonly [name: string]: number } = {}) {
  const settings = connectionSettings({ 'reconnect.backoff.ms': 1, ...properties })
  const security = { tls: undefined, sasl: undefined }
  const options = { clientId: 'test', clock: systemClock, settings, security }
  const cluster = new Cluster(brokers, options)
  onTestFinished(() => cluster.close())
  return { cluster, options }
}

const question = async ({ connection }: OpenConnection) => {
  await connection.request(METADATA, 1, 600_000, writer => void writer.int32(-1))
}

test.each<{ what: string; nodes: readonly number[] }>([
  { what: 'is gone', nodes: [1] },
  { what: 'is there still', nodes: [0, 1] },
])(
  'who waits for a node that stands still hears it when the cluster says that it $what',
  async ({ nodes }) => {
    const fake = await fakeLogs()
    const { cluster, options } = clusterOf(fake.addressOf(1))
    await cluster.refresh([fake.topic])
    const connection = new NodeConnection(0, cluster, options)
    onTestFinished(() => connection.close())
    await connection.attempt(question, reason => expect.fail(String(reason)))
    fake.stall(0)
    const reasons: string[] = []
    const asked = connection.attempt(question, reason => reasons.push(String(reason)))
    await eventually(() => fake.waiting(0) === 1, { what: 'the question is there' })
    fake.nodes = nodes
    await cluster.refresh([fake.topic])
    if (nodes.includes(0)) fake.resume(0)
    await asked
    const expected = nodes.includes(0) ? [] : [expect.stringContaining('the cluster has no node 0 now')]
    expect(reasons).toEqual(expected)
  },
)

test('questions go to a broker that stands still once, and not again while others answer', async () => {
  const fake = await fakeLogs()
  const { cluster } = clusterOf(`${fake.addressOf(0)},${fake.addressOf(1)}`, {
    'socket.timeout.ms': TIMEOUT_MS,
  })
  await cluster.refresh([fake.topic])
  fake.stall(0)
  const failures: unknown[] = []
  for (let round = 0; round < 10; round += 1) {
    // Each time another connection is made, in turn.
    fake.cut()
    await eventually(() => fake.openConnections === 0)
    await cluster.refresh([fake.topic]).catch((reason: unknown) => failures.push(reason))
  }
  expect(failures.length).toBeLessThanOrEqual(1)
  expect(fake.waiting(0)).toBe(1)
})
