import { partitionKey } from '../../../common/ids.ts'
import type { TopicPartition } from '../../broker.ts'
import { BrokerError } from '../../broker-error.ts'

/** The errors of the embedded broker, under Kafka's names, each with its class decided once. */
export function clientClosed(what: string): BrokerError {
  return new BrokerError('CLIENT_CLOSED', 'fatal', `the ${what} is closed; open a new one`)
}

export function unknownPartition({ topic, partition }: TopicPartition): BrokerError {
  return new BrokerError(
    'UNKNOWN_TOPIC_OR_PARTITION',
    'topic-missing',
    `partition ${partitionKey(topic, partition)} does not exist; create the topic with enough partitions`,
    { partitions: [{ topic, partition }] },
  )
}

export function unknownTopic(topic: string): BrokerError {
  return new BrokerError('UNKNOWN_TOPIC_OR_PARTITION', 'topic-missing', `topic "${topic}" does not exist`)
}

export function offsetOutOfRange(partitions: readonly TopicPartition[], detail: string): BrokerError {
  const names = partitions.map(each => partitionKey(each.topic, each.partition)).join(', ')
  return new BrokerError('OFFSET_OUT_OF_RANGE', 'retriable', `${names}: ${detail}; assign again`, {
    partitions,
  })
}

export function recordTooLarge(bytes: number, bytesMax: number, partition: TopicPartition): BrokerError {
  const { topic } = partition
  const message = `a record of ${bytes} bytes for topic "${topic}" exceeds max.message.bytes (${bytesMax})`
  return new BrokerError('MESSAGE_TOO_LARGE', 'record-refused', message, { partitions: [partition] })
}

export function missingKey(partition: TopicPartition): BrokerError {
  const message = `topic "${partition.topic}" is compacted: its records need a key`
  // The class of what can never be written as it is.
  return new BrokerError('INVALID_RECORD', 'record-refused', message, { partitions: [partition] })
}

export function producerFenced(transactionalId: string): BrokerError {
  const message = `another producer has taken over transactional id "${transactionalId}", or its transaction timed out`
  return new BrokerError('PRODUCER_FENCED', 'fenced', message)
}

export function invalidTransactionState(message: string): BrokerError {
  return new BrokerError('INVALID_TXN_STATE', 'fatal', message)
}

export function notAMember(groupId: string): BrokerError {
  const message = `this consumer is not a current member of group "${groupId}"; its partitions may be somebody else's`
  return new BrokerError('UNKNOWN_MEMBER_ID', 'task-migrated', message)
}

export function missingGroup(): BrokerError {
  return new BrokerError('INVALID_GROUP_ID', 'fatal', 'this consumer was opened without a group: set `group`')
}

export function negativeTimestamp(timestamp: number, partition: TopicPartition): BrokerError {
  const message = `a record for topic "${partition.topic}" has the timestamp ${timestamp}; it must not be negative`
  return new BrokerError('INVALID_TIMESTAMP', 'record-refused', message, { partitions: [partition] })
}
