import {
  CONTROL_TIMEOUT_MS,
  SOCKET_TIMEOUT_MS,
  type ClientProperties,
} from '../../settings/client-settings.ts'

/** Settings of the direct path's connections, from the client settings that librdkafka knows. */
export interface ConnectionSettings {
  /** The length above which a response is refused unread. */
  readonly responseBytesMax: number
  /** How long nothing may be read while a Fetch or Produce request is pending. */
  readonly requestTimeoutMs: number
  /** How long nothing may be read while any other request is pending. */
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

/** A boolean setting, in the spellings that librdkafka takes. */
export function flag(client: ClientProperties, name: string, otherwise: boolean): boolean {
  const value = client[name]
  return value === undefined ? otherwise : ['true', 't', '1'].includes(String(value).toLowerCase())
}

function familyOf(name: string): 0 | 4 | 6 {
  if (name === 'v4') return 4
  return name === 'v6' ? 6 : 0
}
