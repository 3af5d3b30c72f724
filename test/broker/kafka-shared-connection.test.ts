import { expect, onTestFinished, test } from 'vitest'
import { Cluster } from '../../lib/broker/kafka/client/connection/cluster.ts'
import { connectionSettings } from '../../lib/broker/kafka/client/connection/connection-settings.ts'
import { systemClock } from '../../lib/common/clock.ts'
import { eventually } from '../support/eventually.ts'
import { fakeLogs, numbered, record, transactionalProducer } from './direct-producer-stage.ts'
import type { FakeLogCluster } from './fake-log-cluster.ts'

const ASKERS = 20
const [BOOTSTRAP, COORDINATOR] = [0, 1]
const API_VERSIONS = 18

function clusterOf(fake: FakeLogCluster): Cluster {
  const security = { tls: undefined, sasl: undefined }
  const settings = connectionSettings({ 'reconnect.backoff.ms': 5 })
  const cluster = new Cluster(fake.address, { clientId: 'test', clock: systemClock, settings, security })
  onTestFinished(() => cluster.close())
  return cluster
}

/** Of different kinds, so that none shares another's answer. */
function askAtOnce(cluster: Cluster): Promise<PromiseSettledResult<unknown>[]> {
  const questions = numbered(ASKERS).map((topic, at) =>
    at % 2 === 0 ? cluster.refresh([topic]) : cluster.check(),
  )
  return Promise.allSettled(questions)
}

const rejections = (results: readonly PromiseSettledResult<unknown>[]) =>
  results.filter(({ status }) => status === 'rejected').length

const noneLeft = (fake: FakeLogCluster) =>
  eventually(() => fake.openConnections === 0, { what: 'the end of all connections' })

test('questions that come at once open one connection, which is gone after close', async () => {
  const fake = await fakeLogs()
  const cluster = clusterOf(fake)
  expect(rejections(await askAtOnce(cluster))).toBe(0)
  expect([fake.accepted, fake.openConnections]).toEqual([1, 1])
  cluster.close()
  await noneLeft(fake)
})

test('one that is lost is made again once, however many ask', async () => {
  const fake = await fakeLogs()
  const cluster = clusterOf(fake)
  await askAtOnce(cluster)
  const { connection } = await cluster.check()
  fake.cut()
  await eventually(() => !connection.isOpen, { what: 'the loss' })
  await askAtOnce(cluster)
  expect([fake.accepted, fake.openConnections]).toEqual([2, 1])
  cluster.close()
  await noneLeft(fake)
})

test('none is left where close comes while one is being made, and who waits for it is told', async () => {
  const fake = await fakeLogs()
  const cluster = clusterOf(fake)
  fake.stall(BOOTSTRAP)
  const shakesHands = new Promise<void>(resolve => {
    fake.onRequest = api => {
      if (api === API_VERSIONS) resolve()
    }
  })
  const asking = askAtOnce(cluster)
  await shakesHands
  cluster.close()
  fake.resume(BOOTSTRAP)
  expect(rejections(await asking)).toBe(ASKERS)
  await noneLeft(fake)
  expect(fake.accepted).toBe(1)
  await expect(cluster.check()).rejects.toMatchObject({ code: 'CLIENT_CLOSED' })
})

test('a transaction has one connection to its coordinator, which is gone after close, whatever it waits for', async () => {
  const fake = await fakeLogs(4)
  const { producer } = await transactionalProducer(fake)
  await producer.begin()
  for (let partition = 0; partition < 4; partition += 1) {
    producer.send(record(fake, 'v', { partition }))
    await producer.flush()
  }
  await producer.commitTransaction()
  // The cluster's, the leader's and the coordinator's.
  expect(fake.accepted).toBe(3)
  await producer.begin()
  fake.stall(COORDINATOR)
  producer.send(record(fake, 'v'))
  const committing = producer.commitTransaction().catch((reason: unknown) => reason)
  await eventually(() => fake.waiting(COORDINATOR) > 0, { what: 'a question to the coordinator' })
  await producer.close()
  expect(await committing).toMatchObject({ code: 'CLIENT_CLOSED' })
  fake.resume(COORDINATOR)
  await eventually(() => fake.openConnections === 1, { what: 'the end of the connections of the producer' })
})
