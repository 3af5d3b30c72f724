import type { Broker, OutgoingRecord, Producer, ProducerOptions } from '../../lib/broker/broker.ts'
import { BrokerError } from '../../lib/broker/broker-error.ts'

/** Why a record is never written; undefined where it is. */
export type Refusal = (record: OutgoingRecord) => BrokerError | undefined

export function refusedForGood({ topic, partition }: OutgoingRecord): BrokerError {
  return new BrokerError('INVALID_RECORD', 'record-refused', `refused for ${topic}`, {
    partitions: [{ topic, partition }],
  })
}

/**
 * The broker with producers that refuse, each time, what the broker behind would take: after it was sent, as
 * a real broker does, or by `send`, as clients do that know better.
 */
export function refusing(
  broker: Broker,
  refusalOf: Refusal,
  { atOnce = false }: { readonly atOnce?: boolean } = {},
): Broker {
  return {
    name: broker.name,
    consumer: options => broker.consumer(options),
    admin: () => broker.admin(),
    close: () => broker.close(),
    producer: async options =>
      refusingProducer(await broker.producer(options), options, { refusalOf, atOnce }),
  }
}

function refusingProducer(
  producer: Producer,
  options: ProducerOptions,
  { refusalOf, atOnce }: { readonly refusalOf: Refusal; readonly atOnce: boolean },
): Producer {
  let failure: BrokerError | undefined
  const throwFailure = () => {
    const error = failure
    if (options.transactionalId === undefined) failure = undefined
    if (error) throw error
  }
  return {
    get writable() {
      return producer.writable
    },
    send(record) {
      const error = refusalOf(record)
      if (!error) return producer.send(record)
      if (atOnce) throw error
      const { topic, partition, key, value, timestamp } = record
      const rejected = { topic, partition, key, timestamp, valueBytes: value?.length ?? 0 }
      if (options.onSendError?.(error, rejected) !== 'continue') failure ??= error
    },
    drained: () => producer.drained(),
    flush: async () => {
      await producer.flush()
      throwFailure()
    },
    initTransactions: () => producer.initTransactions(),
    begin: () => producer.begin(),
    sendOffsets: (offsets, consumer) => producer.sendOffsets(offsets, consumer),
    commitTransaction: async () => {
      throwFailure()
      await producer.commitTransaction()
    },
    abortTransaction: async () => {
      failure = undefined
      await producer.abortTransaction()
    },
    close: () => producer.close(),
  }
}
