import type { ClientProperties } from '../../settings/client-settings.ts'
import { flag } from '../connection/connection-settings.ts'

/** Settings of the direct path's fetches, from the client settings that librdkafka knows; defaults differ. */
export interface FetchSettings {
  /** How long a broker may wait for records before it answers. */
  readonly waitMs: number
  readonly bytesMin: number
  /** The largest response, and below the part of one partition. A limit of the queues may be lower. */
  readonly bytesMax: number
  readonly partitionBytesMax: number
  readonly checkCrc: boolean
}

export function fetchSettings(client: ClientProperties): FetchSettings {
  const number = (name: string, otherwise: number) => Number(client[name] ?? otherwise)
  return {
    // A low default: a newly assigned partition is asked for after the long poll of the others.
    waitMs: number('fetch.wait.max.ms', 100),
    bytesMin: number('fetch.min.bytes', 1),
    bytesMax: number('fetch.max.bytes', 16 * 1024 * 1024),
    partitionBytesMax: Number(
      client['fetch.message.max.bytes'] ?? client['max.partition.fetch.bytes'] ?? 1024 * 1024,
    ),
    checkCrc: flag(client, 'check.crcs', true),
  }
}
