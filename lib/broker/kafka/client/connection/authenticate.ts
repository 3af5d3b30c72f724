import type { Buffer } from 'node:buffer'
import { errorFrom } from '../../../../common/errors/errors.ts'
import { BrokerError } from '../../../broker-error.ts'
import type { BrokerConnection } from './broker-connection.ts'
import {
  commonVersion,
  SASL_AUTHENTICATE,
  SASL_HANDSHAKE,
  type BrokerVersions,
} from '../../protocol/protocol.ts'
import { protocolError } from '../../protocol/protocol-error.ts'
import type { SaslMechanism } from './sasl/sasl-mechanism.ts'

/** The share of the credentials' lifetime for which a connection is used, as in the JVM client. */
const LIFETIME_SHARE = 0.85

export interface AuthenticateOptions {
  readonly versions: BrokerVersions
  readonly timeoutMs: number
}

/**
 * Authenticates a connection by SASL. Resolves with the milliseconds for which it may be used (KIP-368).
 * Rejects with class `authentication` where the broker refuses.
 */
export async function authenticate(
  connection: BrokerConnection,
  mechanism: SaslMechanism,
  { versions, timeoutMs }: AuthenticateOptions,
): Promise<number> {
  await shakeHands(connection, mechanism, versions, timeoutMs)
  const exchange = mechanism.begin()
  let bytes: Buffer | undefined = await firstBytes(connection, mechanism, exchange.first())
  let lifetimeMs = 0
  while (bytes !== undefined) {
    const answer = await sendToken(connection, versions, bytes, timeoutMs)
    lifetimeMs = answer.lifetimeMs
    try {
      bytes = exchange.next(answer.challenge)
    } catch (reason) {
      throw refused(connection, mechanism, reason)
    }
  }
  return lifetimeMs > 0 ? lifetimeMs * LIFETIME_SHARE : Infinity
}

async function firstBytes(
  connection: BrokerConnection,
  mechanism: SaslMechanism,
  first: Buffer | Promise<Buffer>,
): Promise<Buffer> {
  try {
    return await first
  } catch (reason) {
    throw refused(connection, mechanism, reason)
  }
}

async function shakeHands(
  connection: BrokerConnection,
  mechanism: SaslMechanism,
  versions: BrokerVersions,
  timeoutMs: number,
): Promise<void> {
  const version = commonVersion(SASL_HANDSHAKE, versions, connection.address)
  const reader = await connection.request(SASL_HANDSHAKE, version, timeoutMs, writer =>
    writer.string(mechanism.name),
  )
  const errorCode = reader.int16()
  if (errorCode === 0) return
  const offered = Array.from({ length: reader.array() }, () => reader.string()).join(', ')
  const message = `${connection.address} offers ${offered || 'no mechanism'}, not ${mechanism.name}`
  throw protocolError(errorCode, 'authenticating', [], message)
}

async function sendToken(
  connection: BrokerConnection,
  versions: BrokerVersions,
  bytes: Buffer,
  timeoutMs: number,
): Promise<{ challenge: Buffer; lifetimeMs: number }> {
  const version = commonVersion(SASL_AUTHENTICATE, versions, connection.address)
  const reader = await connection.request(SASL_AUTHENTICATE, version, timeoutMs, writer =>
    writer.bytes(bytes),
  )
  const errorCode = reader.int16()
  const message = reader.nullableString()
  if (errorCode !== 0) {
    throw protocolError(errorCode, 'authenticating', [], `${connection.address}: ${message ?? 'refused'}`)
  }
  return { challenge: reader.bytes(), lifetimeMs: reader.int64() }
}

function refused(connection: BrokerConnection, mechanism: SaslMechanism, reason: unknown): BrokerError {
  const cause = errorFrom(reason)
  const message = `${connection.address}: ${mechanism.name}: ${cause.message}`
  return new BrokerError('SASL_AUTHENTICATION_FAILED', 'authentication', message, { cause })
}
