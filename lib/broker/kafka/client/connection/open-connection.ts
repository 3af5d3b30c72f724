import { connect as connectPlain, isIP } from 'node:net'
import type { Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { Clock } from '../../../../common/clock.ts'
import { errorFrom } from '../../../../common/errors/errors.ts'
import { BrokerError } from '../../../broker-error.ts'
import { readApiVersions } from './api-versions.ts'
import { authenticate } from './authenticate.ts'
import { BrokerConnection } from './broker-connection.ts'
import type { ConnectionSettings } from './connection-settings.ts'
import type { BrokerAddress } from '../../protocol/metadata.ts'
import { API_VERSIONS, type BrokerVersions } from '../../protocol/protocol.ts'
import type { Security } from './security.ts'

export interface ConnectOptions {
  readonly clientId: string
  readonly clock: Clock
  readonly settings: ConnectionSettings
  readonly security: Security
}

export interface OpenConnection {
  readonly connection: BrokerConnection
  readonly versions: BrokerVersions
  /** When the credentials expire, by the monotonic clock, and with them the use of the connection. */
  readonly expiresAtMs: number
}

/**
 * Connects, asks for the broker's versions and authenticates. Rejects with a `BrokerError`:
 * `BROKER_UNREACHABLE` (retriable), or of class `authentication` where TLS or SASL refuse.
 */
export async function openConnection(
  address: BrokerAddress,
  options: ConnectOptions,
): Promise<OpenConnection> {
  const { clientId, clock, settings, security } = options
  const name = `${address.host}:${address.port}`
  const socket = await openSocket(address, name, options)
  const { responseBytesMax, controlTimeoutMs } = settings
  const connection = new BrokerConnection({ socket, address: name, clientId, clock, responseBytesMax })
  try {
    const reader = await connection.request(API_VERSIONS, 0, controlTimeoutMs, () => undefined)
    const versions = readApiVersions(reader)
    const lifetimeMs = security.sasl
      ? await authenticate(connection, security.sasl, { versions, timeoutMs: controlTimeoutMs })
      : Infinity
    return { connection, versions, expiresAtMs: clock.monotonicMs() + lifetimeMs }
  } catch (reason) {
    connection.close()
    throw reason
  }
}

function openSocket(
  { host, port }: BrokerAddress,
  name: string,
  { clock, settings, security }: ConnectOptions,
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const where = { host, port, family: settings.addressFamily, noDelay: true, keepAlive: true }
    // An IP address must not be sent as a server name (RFC 6066).
    const servername = isIP(host) ? '' : host
    const socket = security.tls ? connectTls({ ...where, servername, ...security.tls }) : connectPlain(where)
    const timer = clock.schedule(settings.connectTimeoutMs, () =>
      failed(new Error(`no connection within ${settings.connectTimeoutMs} ms`)),
    )
    const failed = (reason: unknown) => {
      timer.cancel()
      socket.destroy()
      reject(connectError(name, errorFrom(reason)))
    }
    const closed = () => failed(new Error('the connection was closed while it was set up'))
    socket.once('error', failed).once('close', closed)
    socket.once(security.tls ? 'secureConnect' : 'connect', () => {
      timer.cancel()
      socket.off('error', failed).off('close', closed)
      resolve(socket)
    })
  })
}

/** The error for a socket that did not connect. Errors of TLS are not retriable: the setup is at fault. */
function connectError(name: string, cause: Error): BrokerError {
  const code = (cause as { readonly code?: unknown }).code
  const isTls =
    typeof code === 'string' &&
    /^(ERR_SSL|ERR_TLS|CERT_|UNABLE_TO|SELF_SIGNED|DEPTH_ZERO|ERR_OSSL)/.test(code)
  if (isTls) return new BrokerError('TLS_FAILED', 'authentication', `${name}: ${cause.message}`, { cause })
  return new BrokerError('BROKER_UNREACHABLE', 'retriable', `${name}: ${cause.message}`, { cause })
}
