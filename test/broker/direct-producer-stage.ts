import { onTestFinished } from 'vitest'
import type { BrokerError } from '../../lib/broker/broker-error.ts'
import type { OutgoingRecord, Producer, RejectedRecord } from '../../lib/broker/broker.ts'
import { IdempotentProducer } from '../../lib/broker/kafka/client/produce/idempotent-producer.ts'
import type { ProducerIdentity } from '../../lib/broker/kafka/client/produce/outgoing-batch.ts'
import { produceSettings } from '../../lib/broker/kafka/client/produce/produce-settings.ts'
import type { TransactionControl } from '../../lib/broker/kafka/client/produce/transaction-control.ts'
import { TransactionalProducer } from '../../lib/broker/kafka/client/produce/transactional-producer.ts'
import { Cluster } from '../../lib/broker/kafka/client/connection/cluster.ts'
import { connectionSettings } from '../../lib/broker/kafka/client/connection/connection-settings.ts'
import { systemClock, type Clock } from '../../lib/common/clock.ts'
import { FakeLogCluster } from './fake-log-cluster.ts'

const SETTINGS = { 'reconnect.backoff.ms': 5, 'reconnect.backoff.max.ms': 50, 'linger.ms': 1 }

type Properties = { readonly [name: string]: number | string }

type Decide = () => 'continue' | 'fail'

export async function fakeLogs(partitionCount = 1): Promise<FakeLogCluster> {
  const fake = await FakeLogCluster.start(partitionCount)
  onTestFinished(() => fake.close())
  return fake
}

export interface Rejected extends RejectedRecord {
  readonly code: string
}

export interface Subject {
  readonly producer: Producer
  readonly rejected: Rejected[]
  /** What the log would say. */
  readonly logged: string[]
}

function partsOf(
  fake: FakeLogCluster,
  client: Properties,
  decide: Decide,
  subject: Omit<Subject, 'producer'>,
  clock: Clock = systemClock,
) {
  const properties = { ...SETTINGS, ...client }
  const security = { tls: undefined, sasl: undefined }
  const connect = { clientId: 'test', clock: systemClock, settings: connectionSettings(properties), security }
  const cluster = new Cluster(fake.address, connect)
  onTestFinished(() => cluster.close())
  return {
    clock,
    cluster,
    connect,
    settings: { ...produceSettings(properties), queuedBytesMax: Number(client['queued'] ?? 32 << 20) },
    notify: (message: string) => void subject.logged.push(message),
    onSendError: (error: BrokerError, record: RejectedRecord) => {
      subject.rejected.push({ ...record, key: record.key && Buffer.from(record.key), code: error.code })
      return decide()
    },
  }
}

/** An at-least-once producer; its identities are 100, 101, … */
export function plainProducer(
  fake: FakeLogCluster,
  client: Properties = {},
  decide: Decide = () => 'fail',
  clock?: Clock,
): Subject {
  const subject = { rejected: [] as Rejected[], logged: [] as string[] }
  let producerId = 100
  const producer = new IdempotentProducer({
    ...partsOf(fake, client, decide, subject, clock),
    identity: { producerId, epoch: 0 },
    renew: () => Promise.resolve({ producerId: (producerId += 1), epoch: 0 }),
  })
  onTestFinished(() => producer.close())
  return { producer, ...subject }
}

/** In place of the native client: what it was asked for, and an identity that tests change. */
export class FakeControl implements TransactionControl {
  readonly calls: string[]
  present: ProducerIdentity = { producerId: 7, epoch: 1 }
  sending: () => Promise<void> = () => Promise.resolve()

  constructor(calls: string[]) {
    this.calls = calls
  }

  async init(): Promise<void> {
    this.calls.push('native init')
  }

  async identity(): Promise<ProducerIdentity> {
    return this.present
  }

  async begin(): Promise<void> {
    this.calls.push('native begin')
  }

  async sendOffsets(): Promise<void> {
    this.calls.push('native offsets')
    await this.sending()
  }

  async commit(): Promise<void> {
    this.calls.push('native commit')
  }

  async abort(): Promise<void> {
    this.calls.push('native abort')
  }

  async close(): Promise<void> {
    this.calls.push('native close')
  }
}

export interface TransactionalSubject extends Subject {
  readonly control: FakeControl
}

/** Initialised. What the coordinator and the native client are told lies in `fake.told`, in order. */
export async function transactionalProducer(
  fake: FakeLogCluster,
  client: Properties = {},
  decide: Decide = () => 'fail',
  clock?: Clock,
): Promise<TransactionalSubject> {
  const subject = { rejected: [] as Rejected[], logged: [] as string[] }
  const control = new FakeControl(fake.told)
  const producer = new TransactionalProducer({
    ...partsOf(fake, client, decide, subject, clock),
    transactionalId: 'tx',
    control,
  })
  onTestFinished(() => producer.close())
  await producer.initTransactions()
  return { producer, control, ...subject }
}

export function record(
  fake: FakeLogCluster,
  value: string,
  rest: Partial<OutgoingRecord> = {},
): OutgoingRecord {
  const bytes = Buffer.from(value)
  return { topic: fake.topic, partition: 0, key: null, value: bytes, timestamp: 1, headers: [], ...rest }
}

export function numbered(count: number): string[] {
  return Array.from({ length: count }, (_, at) => `v${at}`)
}
