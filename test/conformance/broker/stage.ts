import { randomUUID } from 'node:crypto'
import { expect } from 'vitest'
import { BrokerError } from '../../../lib/broker/broker-error.ts'
import type {
  Admin,
  Broker,
  Consumer,
  ConsumerOptions,
  GroupOptions,
  IsolationLevel,
  NewTopic,
  OutgoingRecord,
  Producer,
  ProducerOptions,
  RawRecord,
} from '../../../lib/broker/broker.ts'
import { utf8, utf8Text } from '../../../lib/common/bytes.ts'
import { present } from '../../../lib/common/assert.ts'
import { partitionKey } from '../../../lib/common/ids.ts'
import { NO_HEADERS } from '../../../lib/common/headers.ts'
import { eventually } from '../../support/eventually.ts'
import type { BrokerCapabilities } from '../broker.ts'
import { Member } from './member.ts'
import { Ownership } from './ownership.ts'

/**
 * What one case works with: fresh names, clients that are closed at its end, and the few readings that most
 * cases need.
 */
export class Stage {
  readonly broker: Broker
  readonly capabilities: BrokerCapabilities
  readonly ownership = new Ownership()
  readonly #opened: { close(): Promise<void> }[] = []
  #admin: Promise<Admin> | undefined

  constructor(broker: Broker, capabilities: BrokerCapabilities) {
    this.broker = broker
    this.capabilities = capabilities
  }

  name(prefix: string): string {
    return `${prefix}-${randomUUID()}`
  }

  admin(): Promise<Admin> {
    this.#admin ??= this.broker.admin().then(admin => this.#own(admin))
    return this.#admin
  }

  async topic(partitionCount = 1, config?: NewTopic['config']): Promise<string> {
    const topic = this.name('topic')
    const admin = await this.admin()
    await admin.createTopics([{ topic, partitionCount, ...(config ? { config } : {}) }])
    return topic
  }

  async producer(options: Partial<ProducerOptions> = {}): Promise<Producer> {
    return this.#own(await this.broker.producer({ clientId: 'contract', ...options }))
  }

  /** A transactional producer that has been initialised. */
  async transactional(options: Partial<ProducerOptions> = {}): Promise<Producer> {
    const producer = await this.producer({ transactionalId: this.name('tx'), ...options })
    await producer.initTransactions()
    return producer
  }

  async consumer(
    isolation: IsolationLevel = 'read_committed',
    options: Partial<ConsumerOptions> = {},
  ): Promise<Consumer> {
    return this.#own(await this.broker.consumer({ clientId: 'contract', isolation, ...options }))
  }

  /** A consumer with a group that it has not joined: it reads and commits offsets only. */
  groupConsumer(groupId = this.name('group')): Promise<Consumer> {
    return this.consumer('read_committed', { group: { groupId } })
  }

  /** A member that keeps itself alive and writes down what it is told. */
  async member(groupId: string, topics: readonly string[], options: MemberOptions = {}): Promise<Member> {
    const { clientId = 'contract', ...group } = options
    const consumer = await this.broker.consumer({
      clientId,
      isolation: 'read_committed',
      group: { groupId, ...group },
    })
    return this.#own(new Member(consumer, topics, this.ownership))
  }

  eventually<T>(what: string, attempt: () => T | Promise<T>) {
    return eventually(attempt, { what })
  }

  /** Polls until that many records have come, and a little more, so that one too many shows. */
  async read(consumer: Consumer, count: number): Promise<RawRecord[]> {
    const records: RawRecord[] = []
    await this.eventually(`reading ${count} records`, async () => {
      await consumer.ready(50)
      for (const batch of consumer.poll(1000)) records.push(...batch.records)
      return records.length >= count
    })
    await consumer.ready(20)
    for (const batch of consumer.poll(1000)) records.push(...batch.records)
    return records
  }

  /** Polls until the position of the partition is reached, and returns what came of all partitions. */
  async readTo(consumer: Consumer, topic: string, offset: number, partition = 0): Promise<RawRecord[]> {
    const records: RawRecord[] = []
    await this.eventually(`position ${offset} of ${partitionKey(topic, partition)}`, async () => {
      await consumer.ready(50)
      for (const batch of consumer.poll(1000)) records.push(...batch.records)
      const position = consumer.position({ topic, partition })
      if (position === undefined || position < offset) throw new Error(`position is ${position}`)
      return true
    })
    return records
  }

  /** The values of a partition from its first offset, as one isolation level shows them. */
  async values(
    topic: string,
    isolation: IsolationLevel = 'read_committed',
    partition = 0,
  ): Promise<string[]> {
    const end = await this.end(topic, isolation, partition)
    const consumer = await this.consumer(isolation)
    consumer.assign([{ topic, partition, offset: await this.beginning(topic, partition) }])
    const records = await this.readTo(consumer, topic, end, partition)
    await consumer.close()
    return records.map(valueText)
  }

  async end(topic: string, isolation: IsolationLevel = 'read_committed', partition = 0): Promise<number> {
    const ends = await (await this.admin()).endOffsets([{ topic, partition }], isolation)
    return present(ends.get(partitionKey(topic, partition)), 'the end offset')
  }

  async beginning(topic: string, partition = 0): Promise<number> {
    const offsets = await (await this.admin()).beginningOffsets([{ topic, partition }])
    return present(offsets.get(partitionKey(topic, partition)), 'the first offset')
  }

  /** What of a group's offset is committed, with or without waiting for stability. */
  async groupOffset(groupId: string, topic: string, partition = 0): Promise<number | undefined> {
    const offsets = await (await this.admin()).groupOffsets(groupId, [{ topic, partition }])
    return offsets.get(partitionKey(topic, partition))?.offset
  }

  /** Closes in the order of opening, so that members leave before anything they might wait for. */
  async dispose(): Promise<void> {
    for (const client of this.#opened) await client.close()
    this.ownership.verify()
  }

  #own<T extends { close(): Promise<void> }>(client: T): T {
    this.#opened.push(client)
    return client
  }
}

export type MemberOptions = Partial<Omit<GroupOptions, 'groupId'>> & { readonly clientId?: string }

export function record(
  topic: string,
  value: string | null,
  rest: Partial<OutgoingRecord> = {},
): OutgoingRecord {
  const bytes = value === null ? null : utf8(value)
  return { topic, partition: 0, key: null, value: bytes, timestamp: 1_000, headers: NO_HEADERS, ...rest }
}

export function valueText(raw: RawRecord): string {
  return raw.value === null ? '<null>' : utf8Text(raw.value)
}

export function numbered(count: number, prefix = 'v'): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}${index}`)
}

/** The `BrokerError` that the promise rejects with. */
export async function refusal(promise: Promise<unknown>): Promise<BrokerError> {
  const reason = await promise.then(
    () => new Error('it was not refused'),
    (error: unknown) => error,
  )
  expect(reason).toBeInstanceOf(BrokerError)
  return reason as BrokerError
}

/** The `BrokerError` that the call throws. */
export function thrown(call: () => unknown): BrokerError {
  let reason: unknown = new Error('it did not throw')
  try {
    call()
  } catch (error) {
    reason = error
  }
  expect(reason).toBeInstanceOf(BrokerError)
  return reason as BrokerError
}
