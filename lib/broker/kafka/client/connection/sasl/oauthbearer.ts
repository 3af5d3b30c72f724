import { Buffer } from 'node:buffer'
import type { Clock } from '../../../../../common/clock.ts'
import type { SaslMechanism } from './sasl-mechanism.ts'

const KVSEP = '\x01'

/** Returns a token. It is called for every connection. */
export type TokenSource = () => string | Promise<string>

/** OAUTHBEARER: RFC 7628 in Kafka's form (KIP-255), with extensions (KIP-342). */
export function oauthbearerMechanism(
  token: TokenSource,
  extensions: ReadonlyMap<string, string>,
): SaslMechanism {
  return {
    name: 'OAUTHBEARER',
    begin: () => ({
      first: async () => {
        const extra = [...extensions].map(([name, value]) => `${name}=${value}${KVSEP}`).join('')
        return Buffer.from(`n,,${KVSEP}auth=Bearer ${await token()}${KVSEP}${extra}${KVSEP}`, 'utf8')
      },
      // A challenge is a refusal. This answer ends the exchange, and then the broker gives its reason.
      next: challenge => (challenge.length === 0 ? undefined : Buffer.from(KVSEP)),
    }),
  }
}

/**
 * An unsigned token, for development, from `sasl.oauthbearer.config` in librdkafka's form:
 * `principal=admin lifeSeconds=3600 scope=role1,role2 extension_name=value`.
 */
export function unsecuredToken(config: string, clock: Clock): TokenSource {
  const settings = new Map(pairsOf(config))
  const principalClaim = settings.get('principalClaimName') ?? 'sub'
  const scopeClaim = settings.get('scopeClaimName') ?? 'scope'
  const lifeSeconds = Number(settings.get('lifeSeconds') ?? 3600)
  const scope = settings.get('scope')?.split(',')
  return () => {
    const nowSeconds = clock.nowMs() / 1000
    const claims = {
      [principalClaim]: settings.get('principal') ?? '',
      iat: nowSeconds,
      exp: nowSeconds + lifeSeconds,
      ...(scope ? { [scopeClaim]: scope } : {}),
    }
    return `${base64url({ alg: 'none' })}.${base64url(claims)}.`
  }
}

/** SASL extensions: the entries `extension_NAME=value` of `sasl.oauthbearer.config`. */
export function extensionsOf(config: string): ReadonlyMap<string, string> {
  const prefix = 'extension_'
  const extensions = pairsOf(config).filter(([name]) => name.startsWith(prefix))
  return new Map(extensions.map(([name, value]) => [name.slice(prefix.length), value]))
}

function pairsOf(config: string): [name: string, value: string][] {
  return config
    .split(' ')
    .filter(pair => pair.includes('='))
    .map(pair => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)])
}

function base64url(claims: object): string {
  return Buffer.from(JSON.stringify(claims), 'utf8').toString('base64url')
}
