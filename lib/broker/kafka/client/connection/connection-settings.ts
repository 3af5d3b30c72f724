import {
  CONTROL_TIMEOUT_MS,
  SOCKET_TIMEOUT_MS,
  type ClientProperties,
} from '../../settings/client-settings.ts'

/**
 * How connections of our own are made and kept: what the client settings of the same name mean for
 * librdkafka.
 */
export interface ConnectionSettings {
  /** A longer response is refused unread. */
  readonly responseBytesMax: number
  /** How long nothing may come of an answer with records, or to records. */
  readonly requestTimeoutMs: number
  /** The same for all other answers. */
  readonly controlTimeoutMs: number
  readonly connectTimeoutMs: number
  readonly reconnectBackoffMs: number
  readonly reconnectBackoffMsMax: number
  readonly addressFamily: 0 | 4 | 6
}

export function connectionSettings(client: ClientProperties): ConnectionSettings {
  const number = (name: string, otherwise: number) => Number(client[name] ?? otherwise)
  return {
    responseBytesMax: number('receive.message.max.bytes', 100_000_000),
    requestTimeoutMs: number('socket.timeout.ms', SOCKET_TIMEOUT_MS),
    controlTimeoutMs: number('socket.timeout.ms', CONTROL_TIMEOUT_MS),
    connectTimeoutMs: number('socket.connection.setup.timeout.ms', CONTROL_TIMEOUT_MS),
    reconnectBackoffMs: number('reconnect.backoff.ms', 100),
    reconnectBackoffMsMax: number('reconnect.backoff.max.ms', 5_000),
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
