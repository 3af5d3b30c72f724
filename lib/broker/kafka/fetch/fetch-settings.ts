import type { ClientProperties } from '../client-settings.ts'

/** How the direct path fetches: what the client settings of the same name mean for librdkafka, with defaults of our own. */
export interface FetchSettings {
  /** How long a broker may hold a request that finds nothing. */
  readonly waitMs: number
  readonly bytesMin: number
  /** Of a response, and of one partition's part in it. The queues' bound may ask for less. */
  readonly bytesMax: number
  readonly partitionBytesMax: number
  /** A longer response is refused unread. */
  readonly responseBytesMax: number
  readonly requestTimeoutMs: number
  readonly connectTimeoutMs: number
  readonly reconnectBackoffMs: number
  readonly reconnectBackoffMsMax: number
  readonly checkCrc: boolean
  readonly addressFamily: 0 | 4 | 6
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
    responseBytesMax: number('receive.message.max.bytes', 100_000_000),
    requestTimeoutMs: number('socket.timeout.ms', 30_000),
    connectTimeoutMs: number('socket.connection.setup.timeout.ms', 10_000),
    reconnectBackoffMs: number('reconnect.backoff.ms', 100),
    reconnectBackoffMsMax: number('reconnect.backoff.max.ms', 5_000),
    checkCrc: flag(client, 'check.crcs', true),
    addressFamily: familyOf(String(client['broker.address.family'] ?? 'any')),
  }
}

/** As librdkafka reads truth out of text. */
export function flag(client: ClientProperties, name: string, otherwise: boolean): boolean {
  const value = client[name]
  return value === undefined ? otherwise : ['true', 't', '1'].includes(String(value).toLowerCase())
}

function familyOf(name: string): 0 | 4 | 6 {
  if (name === 'v4') return 4
  return name === 'v6' ? 6 : 0
}
