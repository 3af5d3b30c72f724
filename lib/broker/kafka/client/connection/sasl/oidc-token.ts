import { Buffer } from 'node:buffer'
import { errorFrom } from '../../../../../common/errors/errors.ts'
import type { TokenSource } from './oauthbearer.ts'

const TIMEOUT_MS = 10_000

export interface OidcSettings {
  readonly url: string
  readonly clientId: string
  readonly clientSecret: string
  readonly scope: string | undefined
}

/** The client-credentials grant (RFC 6749 §4.4): what librdkafka does with `sasl.oauthbearer.method=oidc`. */
export function oidcToken({ url, clientId, clientSecret, scope }: OidcSettings): TokenSource {
  return async () => {
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers: {
          authorization: `Basic ${Buffer.from(`${clientId}:${clientSecret}`, 'utf8').toString('base64')}`,
          'content-type': 'application/x-www-form-urlencoded',
          accept: 'application/json',
        },
        body: new URLSearchParams({
          grant_type: 'client_credentials',
          ...(scope === undefined ? {} : { scope }),
        }),
        signal: AbortSignal.timeout(TIMEOUT_MS),
      })
      if (!response.ok) throw new Error(`status ${response.status}`)
      return tokenOf(await response.json())
    } catch (reason) {
      const cause = errorFrom(reason)
      throw new Error(`no token from ${url}: ${cause.message}`, { cause })
    }
  }
}

function tokenOf(answer: unknown): string {
  const token = (answer as { readonly access_token?: unknown } | null)?.access_token
  if (typeof token !== 'string') throw new Error('the answer has no access_token')
  return token
}
