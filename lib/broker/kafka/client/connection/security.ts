import type { ConnectionOptions } from 'node:tls'
import type { Clock } from '../../../../common/clock.ts'
import type { ClientProperties } from '../../settings/client-settings.ts'
import { flag } from './connection-settings.ts'
import { extensionsOf, oauthbearerMechanism, unsecuredToken } from './sasl/oauthbearer.ts'
import { oidcToken } from './sasl/oidc-token.ts'
import { plainMechanism, type SaslMechanism } from './sasl/sasl-mechanism.ts'
import { scramMechanism } from './sasl/scram-exchange.ts'
import { tlsSettings } from './tls-settings.ts'

/** TLS and SASL of connections, each undefined where it is not used. */
export interface Security {
  readonly tls: ConnectionOptions | undefined
  readonly sasl: SaslMechanism | undefined
}

/** Client settings that only the native client implements. */
const NATIVE_ONLY: readonly string[] = [
  'client.rack',
  'https.ca.location',
  'https.ca.pem',
  'ssl.ca.certificate.stores',
  'ssl.crl.location',
  'ssl.engine.location',
  'ssl.engine.id',
  'ssl.providers',
]
const PROTOCOLS: readonly string[] = ['plaintext', 'ssl', 'sasl_plaintext', 'sasl_ssl']

/** Why these client settings need the native client; undefined where the direct path implements them. */
export function needsNative(client: ClientProperties): string | undefined {
  const setting = NATIVE_ONLY.find(name => client[name] !== undefined)
  if (setting !== undefined) return `the setting "${setting}"`
  const protocol = protocolOf(client)
  if (!PROTOCOLS.includes(protocol)) return `security.protocol "${protocol}"`
  if (String(client['ssl.ca.location'] ?? '') === 'probe') return 'ssl.ca.location "probe"'
  if (!protocol.startsWith('sasl')) return undefined
  const mechanism = mechanismOf(client)
  if (mechanism === 'OAUTHBEARER') return oauthNeedsNative(client)
  if (['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'].includes(mechanism)) return undefined
  return `sasl.mechanism "${mechanism}"`
}

/** The security of the direct path. Rejects with a `ConfigError` where a file cannot be read. */
export async function securityOf(client: ClientProperties, clock: Clock): Promise<Security> {
  const protocol = protocolOf(client)
  return {
    tls: protocol.endsWith('ssl') ? await tlsSettings(client) : undefined,
    sasl: protocol.startsWith('sasl') ? saslOf(client, clock) : undefined,
  }
}

function saslOf(client: ClientProperties, clock: Clock): SaslMechanism {
  const text = (name: string) => String(client[name] ?? '')
  const [username, password] = [text('sasl.username'), text('sasl.password')]
  const mechanism = mechanismOf(client)
  if (mechanism === 'PLAIN') return plainMechanism(username, password)
  if (mechanism.startsWith('SCRAM')) {
    return scramMechanism(mechanism.endsWith('256') ? 'sha256' : 'sha512', username, password)
  }
  if (!usesOidc(client)) {
    const config = text('sasl.oauthbearer.config')
    return oauthbearerMechanism(unsecuredToken(config, clock), extensionsOf(config))
  }
  const extensions = text('sasl.oauthbearer.extensions')
    .split(',')
    .filter(pair => pair.includes('='))
  const scope = client['sasl.oauthbearer.scope']
  const token = oidcToken({
    url: text('sasl.oauthbearer.token.endpoint.url'),
    clientId: text('sasl.oauthbearer.client.id'),
    clientSecret: text('sasl.oauthbearer.client.secret'),
    scope: scope === undefined ? undefined : String(scope),
  })
  return oauthbearerMechanism(token, extensionsOf(extensions.map(pair => `extension_${pair}`).join(' ')))
}

function oauthNeedsNative(client: ClientProperties): string | undefined {
  if (usesOidc(client)) {
    const grant = String(client['sasl.oauthbearer.grant.type'] ?? 'client_credentials')
    if (grant !== 'client_credentials') return `sasl.oauthbearer.grant.type "${grant}"`
    const metadata = client['sasl.oauthbearer.metadata.authentication.type']
    return metadata === undefined || metadata === 'none' ? undefined : 'the metadata service of a cloud'
  }
  const unsecured = flag(client, 'enable.sasl.oauthbearer.unsecure.jwt', false)
  return unsecured ? undefined : 'OAUTHBEARER without sasl.oauthbearer.method "oidc"'
}

function usesOidc(client: ClientProperties): boolean {
  return String(client['sasl.oauthbearer.method'] ?? '').toLowerCase() === 'oidc'
}

function protocolOf(client: ClientProperties): string {
  return String(client['security.protocol'] ?? 'plaintext').toLowerCase()
}

/** The SASL mechanism; where none is named, librdkafka's default is GSSAPI. */
function mechanismOf(client: ClientProperties): string {
  return String(client['sasl.mechanisms'] ?? client['sasl.mechanism'] ?? 'GSSAPI').toUpperCase()
}
