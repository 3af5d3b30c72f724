import { StreamsError } from '../common/errors/errors.ts'

/**
 * What to do about a broker's error, decided by the adapter that knows its client:
 *
 * - `retriable`: the same call may be made again.
 * - `abortable`: the transaction must be aborted; the producer lives on.
 * - `fenced`: another producer has this transactional id; this one is finished.
 * - `task-migrated`: the group has moved on without this member; abort, give tasks up, rejoin.
 * - `record-refused`: this record can never be written as it is: too large, a bad timestamp, no key on a
 *   compacted topic.
 * - `topic-missing`: the cluster says that there is no such topic or partition. It may have been made a
 *   moment ago, or deleted.
 * - `authorization`: the broker knows who asks, and does not allow it.
 * - `authentication`: the broker does not accept who asks, or we do not accept the broker: password, token,
 *   certificate.
 * - `fatal`: nothing of the above; the client is finished.
 */
export type BrokerErrorClass =
  | 'retriable'
  | 'abortable'
  | 'fenced'
  | 'task-migrated'
  | 'record-refused'
  | 'topic-missing'
  | 'authorization'
  | 'authentication'
  | 'fatal'

/** As the port's `TopicPartition`, which is defined above this file. */
interface Partition {
  readonly topic: string
  readonly partition: number
  /** With `OFFSET_OUT_OF_RANGE`, where the log was cut: from here on it is not what was read (KIP-320). */
  readonly divergingOffset?: number
}

/**
 * Names of Kafka's protocol errors where there is one, ours otherwise (`CLIENT_CLOSED`,
 * `KAFKA_CLIENT_MISSING`, `BROKER_UNREACHABLE`).
 */
export class BrokerError extends StreamsError {
  readonly class: BrokerErrorClass
  /** The partitions concerned, where the broker named them. */
  readonly partitions: readonly Partition[]

  constructor(
    code: string,
    errorClass: BrokerErrorClass,
    message: string,
    options: ErrorOptions & { readonly partitions?: readonly Partition[] } = {},
  ) {
    super(code, message, options)
    this.class = errorClass
    this.partitions = options.partitions ?? []
  }
}
