import type { ClientProperties } from '../../settings/client-settings.ts'
import { flag } from '../connection/connection-settings.ts'

/**
 * How the direct path fetches: what the client settings of the same name mean for librdkafka, with defaults
 * of our own.
 */
export interface FetchSettings {
  /** How long a broker may hold a request that finds nothing. */
  readonly waitMs: number
  readonly bytesMin: number
  /** Of a response, and of one partition's part in it. The queues' bound may ask for less. */
  readonly bytesMax: number
  readonly partitionBytesMax: number
  readonly checkCrc: boolean
}

export function fetchSettings(client: ClientProperties): FetchSettings {
  const number = (name: string, otherwise: number) => Number(client[name] ?? otherwise)
  return {
    // A partition assigned anew waits for the long poll of the others on its connection.
    waitMs: number('fetch.wait.max.ms', 100),
    bytesMin: number('fetch.min.bytes', 1),
    bytesMax: number('fetch.max.bytes', 16 * 1024 * 1024),
    partitionBytesMax: Number(
      client['fetch.message.max.bytes'] ?? client['max.partition.fetch.bytes'] ?? 1024 * 1024,
    ),
    checkCrc: flag(client, 'check.crcs', true),
  }
}
