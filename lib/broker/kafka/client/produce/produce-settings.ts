import type { ClientProperties } from '../../settings/client-settings.ts'
import { producerTimeouts } from '../../settings/producer-timeouts.ts'
import { codecOf, type Codec } from '../../protocol/records/codecs.ts'

/**
 * How the direct path sends: what the client settings of the same name mean for librdkafka, with defaults of
 * our own.
 */
export interface ProduceSettings {
  /** How long a record may wait for company. */
  readonly lingerMs: number
  readonly batchBytesMax: number
  readonly batchRecordsMax: number
  /** Of key and value. */
  readonly recordBytesMax: number
  /** Of the batches in one request. */
  readonly requestBytesMax: number
  /** What may be unacknowledged before the producer is not writable. */
  readonly queuedBytesMax: number
  /** After so long a batch is given up. */
  readonly deliveryTimeoutMs: number
  /** How long the broker may wait for its replicas. */
  readonly replicationTimeoutMs: number
  readonly codec: Codec
}

const MIB = 1024 * 1024

/**
 * Why these client settings need the native client for sending; undefined where the direct path speaks them.
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
    // Below the megabyte that a topic takes as one batch by default.
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
