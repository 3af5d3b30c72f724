import type { OutgoingRecord } from '../../broker/broker.ts'
import { utf8 } from '../../common/bytes.ts'
import { errorFrom, StreamsError } from '../../common/errors/errors.ts'
import { partitionForKey } from '../../common/hash/murmur2.ts'
import { Headers } from '../../common/headers.ts'
import type { OutboxSettings } from './outbox-options.ts'
import type { OutboxRow } from './outbox-table.ts'

/** Makes records of rows, for a topic of so many partitions. Throws `OUTBOX_ROW_REFUSED`. */
export function outboxRecord<K, V>(
  row: OutboxRow,
  settings: Pick<OutboxSettings<K, V>, 'name' | 'topic' | 'record' | 'keySerde' | 'valueSerde'>,
  partitionCount: number,
): OutgoingRecord {
  const { topic, record, keySerde, valueSerde } = settings
  try {
    const { key, value, headers = {}, timestamp = row.createdMs } = record(row)
    const written = new Headers(
      Object.entries(headers).map(([name, text]) => ({ key: name, value: utf8(String(text)) })),
    )
    const context = { topic, headers: written }
    const keyBytes = key === null ? null : keySerde.serialize(key, context)
    return {
      topic,
      // Without a key by the row, so that it goes to the same one at each try.
      partition: keyBytes
        ? partitionForKey(keyBytes, partitionCount)
        : Number(BigInt(row.id) % BigInt(partitionCount)),
      key: keyBytes,
      value: value === null ? null : valueSerde.serialize(value, context),
      timestamp,
      headers: written.toArray(),
    }
  } catch (reason) {
    throw rowRefused(row, settings.name, errorFrom(reason))
  }
}

export function rowRefused({ id }: OutboxRow, name: string, cause: Error): StreamsError {
  return new StreamsError(
    'OUTBOX_ROW_REFUSED',
    `the outbox "${name}" stands still at the row with id ${id}, which cannot become a record: ${cause.message}. ` +
      'Mend or delete the row, and open the outbox again',
    { cause },
  )
}
