import type { ClientProperties } from '../../settings/client-settings.ts'
import { producerTimeouts } from '../../settings/producer-timeouts.ts'
import { codecOf, type Codec } from '../../protocol/records/codecs.ts'

/**
 * Settings of the direct path's producers, from the client settings that librdkafka knows; defaults differ.
 */
export interface ProduceSettings {
  /** How long a record waits for others in its batch. */
  readonly lingerMs: number
  readonly batchBytesMax: number
  readonly batchRecordsMax: number
  /** The most bytes of key and value of a record. */
  readonly recordBytesMax: number
  /** The most bytes of the batches in a request. */
  readonly requestBytesMax: number
  /** The bytes of unacknowledged records above which the producer is not writable. */
  readonly queuedBytesMax: number
  /** How long a batch is tried before it is given up. */
  readonly deliveryTimeoutMs: number
  /** How long the broker may wait for the replicas. */
  readonly replicationTimeoutMs: number
  readonly codec: Codec
}

const MIB = 1024 * 1024

/**
 * Why these client settings need the native client to send; undefined where the direct path implements them.
 */
export function produceNeedsNative(client: ClientProperties): string | undefined {
  const acks = String(client['acks'] ?? client['request.required.acks'] ?? 'all').toLowerCase()
  if (acks !== 'all' && acks !== '-1') return `acks "${acks}"`
  const compression = compressionOf(client)
  if (codecOf(compression) === undefined) return `compression "${compression}"`
  return undefined
}

export function produceSettings(client: ClientProperties): ProduceSettings {
  const number = (otherwise: number, ...names: string[]) => {
    const name = names.find(each => client[each] !== undefined)
    return name === undefined ? otherwise : Number(client[name])
  }
  const { deliveryTimeoutMs, replicationTimeoutMs } = producerTimeouts(client)
  return {
    lingerMs: number(5, 'linger.ms', 'queue.buffering.max.ms'),
    // Half of the largest batch that a topic takes by default.
    batchBytesMax: number(MIB / 2, 'batch.size'),
    batchRecordsMax: number(1_000_000, 'batch.num.messages'),
    recordBytesMax: number(1_000_000, 'message.max.bytes'),
    requestBytesMax: 8 * MIB,
    queuedBytesMax: 32 * MIB,
    deliveryTimeoutMs,
    replicationTimeoutMs,
    codec: codecOf(compressionOf(client))!,
  }
}

function compressionOf(client: ClientProperties): string {
  return String(client['compression.type'] ?? client['compression.codec'] ?? 'none').toLowerCase()
}
