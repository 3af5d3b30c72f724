import type { Admin, Broker, OutgoingRecord } from '../../broker/broker.ts'
import { BrokerError } from '../../broker/broker-error.ts'
import { readTopic } from '../../broker/open/read-topic.ts'
import { utf8, utf8Text } from '../../common/bytes.ts'
import { StreamsError } from '../../common/errors/errors.ts'
import { NO_HEADERS } from '../../common/headers.ts'
import { BEGINNING, type OutboxPosition } from './outbox-table.ts'

/** How far an outbox is in its topic: written in the transaction of the records that it speaks of. */
export interface OutboxEntry {
  readonly v: 1
  /** Of the table that the position is of. */
  readonly identity: string
  readonly position: OutboxPosition
  /** Records written so far. */
  readonly published: number
}

export function outboxLedgerTopic(name: string): string {
  return `${name}-outbox-ledger`
}

/** Makes the topic where it is missing; several may do so at once. */
export async function ensureOutboxLedger(name: string, admin: Admin): Promise<void> {
  const topic = outboxLedgerTopic(name)
  if ((await admin.describeTopics([topic])).has(topic)) return
  try {
    await admin.createTopics([{ topic, partitionCount: 1, config: { 'cleanup.policy': 'compact' } }])
  } catch (error) {
    if (!(error instanceof BrokerError && error.code === 'TOPIC_ALREADY_EXISTS')) throw error
  }
}

/** The last entry that is committed; a new one where there is none. Throws where it is of another table. */
export async function readOutboxEntry(
  name: string,
  { broker, admin, identity }: { readonly broker: Broker; readonly admin: Admin; readonly identity: string },
): Promise<OutboxEntry> {
  const topic = outboxLedgerTopic(name)
  let text: string | undefined
  for await (const { records } of readTopic(topic, { broker, admin, clientId: `${name}-outbox` }))
    for (const { value } of records) if (value) text = utf8Text(value)
  if (text === undefined) return { v: 1, identity, position: BEGINNING, published: 0 }
  const entry = parsed(topic, text)
  if (entry.identity === identity) return entry
  throw new StreamsError(
    'OUTBOX_TABLE_CHANGED',
    `the outbox "${name}" has drained another table, or another database (${entry.identity}, now ${identity}): transaction ids of one say nothing ` +
      'about the other. Delete the rows that are in the topic, and open the outbox under another name',
  )
}

function parsed(topic: string, text: string): OutboxEntry {
  try {
    return JSON.parse(text) as OutboxEntry
  } catch (cause) {
    throw new StreamsError(
      'LEDGER_UNREADABLE',
      `an entry of ${topic} is no JSON: something else has written to the topic`,
      { cause },
    )
  }
}

export function outboxEntryRecord(name: string, entry: OutboxEntry, timestamp: number): OutgoingRecord {
  const value = utf8(JSON.stringify(entry))
  return {
    topic: outboxLedgerTopic(name),
    partition: 0,
    key: utf8(name),
    value,
    timestamp,
    headers: NO_HEADERS,
  }
}
