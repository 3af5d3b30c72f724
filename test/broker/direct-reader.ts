import { onTestFinished } from 'vitest'
import type { BrokerError } from '../../lib/broker/broker-error.ts'
import type { RawRecord } from '../../lib/broker/broker.ts'
import { DirectFetcher } from '../../lib/broker/kafka/client/fetch/direct-fetcher.ts'
import { fetchSettings } from '../../lib/broker/kafka/client/fetch/fetch-settings.ts'
import { Cluster } from '../../lib/broker/kafka/client/connection/cluster.ts'
import { connectionSettings } from '../../lib/broker/kafka/client/connection/connection-settings.ts'
import { systemClock } from '../../lib/common/clock.ts'
import { eventually } from '../support/eventually.ts'
import { FakeCluster } from './fake-cluster.ts'

const SETTINGS = { 'reconnect.backoff.ms': 5, 'reconnect.backoff.max.ms': 50, 'fetch.wait.max.ms': 50 }

/** A direct fetcher on a fake cluster, and what it has brought so far. */
export interface Reader {
  readonly fetcher: DirectFetcher
  readonly records: RawRecord[]
  readonly errors: BrokerError[]
  poll(max?: number): void
  readTo(offset: number, partition?: number): Promise<void>
  firstError(): Promise<BrokerError>
}

export function reader(
  fake: FakeCluster,
  client: { [name: string]: number } = {},
  bytesMax = 1_000_000,
): Reader {
  const security = { tls: undefined, sasl: undefined }
  const properties = { ...SETTINGS, ...client }
  const connect = { clientId: 'test', clock: systemClock, settings: connectionSettings(properties), security }
  const cluster = new Cluster(fake.address, connect)
  const fetcher = new DirectFetcher({
    clock: systemClock,
    cluster,
    connect,
    settings: fetchSettings(properties),
    isolation: 'read_committed',
    keepsTurns: true,
    bytesMax,
    wake: () => undefined,
    notify: () => undefined,
  })
  onTestFinished(async () => {
    await fetcher.close()
    cluster.close()
  })
  const [records, errors] = [[] as RawRecord[], [] as BrokerError[]]
  const poll = (max = 1_000) => {
    fetcher.tick()
    for (let error = fetcher.takeError(); error; error = fetcher.takeError()) errors.push(error)
    for (const batch of fetcher.poll(max)) records.push(...batch.records)
  }
  return {
    fetcher,
    records,
    errors,
    poll,
    readTo: (offset, partition = 0) =>
      eventually(
        () => {
          poll()
          if (errors.length > 0) throw errors[0]!
          return fetcher.position({ topic: fake.topic, partition }) === offset
        },
        { what: `offset ${offset}`, pauseMs: 2 },
      ).then(() => undefined),
    firstError: () =>
      eventually(
        () => {
          poll()
          return errors[0]
        },
        { what: 'an error', pauseMs: 2 },
      ),
  }
}

export async function fakeCluster(partitionCount = 1): Promise<FakeCluster> {
  const fake = await FakeCluster.start(partitionCount)
  onTestFinished(() => fake.close())
  return fake
}

export const start = (fake: FakeCluster, { fetcher }: Reader, offset = 0) =>
  fetcher.assign(fake.partitions.map((_, partition) => ({ topic: fake.topic, partition, offset })))
