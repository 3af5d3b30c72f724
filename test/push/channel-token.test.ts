import { expect, test } from 'vitest'
import { ChannelTokens } from '../../lib/push/channel-token.ts'

const OLD = 'the secret of yesterday'
const NEW = 'the secret of today now'
const NOW = 1_000

function verdict(tokens: ChannelTokens, token: string | null, channel = 'c1', nowMs = NOW): string {
  try {
    tokens.check(token, channel, nowMs)
    return 'open'
  } catch (error) {
    const { status, code } = error as { status: number; code: string }
    return `${status} ${code}`
  }
}

const tokens = new ChannelTokens('push', NEW)
const token = tokens.make('c1', 2_000)

test('a token opens its channel until it ends', () => {
  expect(verdict(tokens, token)).toBe('open')
  expect(verdict(tokens, token, 'c1', 1_999)).toBe('open')
  expect(verdict(tokens, token, 'c1', 2_000)).toBe('401 TOKEN_EXPIRED')
  expect(verdict(tokens, token, 'c2')).toBe('403 CHANNEL_FORBIDDEN')
  expect(verdict(new ChannelTokens('push', NEW), tokens.make('été/1', 2_000), 'été/1')).toBe('open')
})

test('what was not signed here opens nothing', () => {
  const [name, ends, signature] = token.split('.') as [string, string, string]
  const forged = [
    `${name}.${(9_999_999).toString(36)}.${signature}`,
    `${Buffer.from('c2').toString('base64url')}.${ends}.${signature}`,
    `${name}.${ends}.`,
    `${name}.${ends}`,
    `${token}.${signature}`,
    `${name}.${ends}.${signature.slice(1)}`,
    'nonsense',
    '..',
  ]
  for (const each of forged) expect(verdict(tokens, each), each).toBe('401 TOKEN_FORGED')
  for (const each of [null, '']) expect(verdict(tokens, each)).toBe('401 TOKEN_MISSING')
  expect(verdict(new ChannelTokens('push', OLD), token), 'another secret').toBe('401 TOKEN_FORGED')
  expect(verdict(new ChannelTokens('other', NEW), token), 'another hub').toBe('401 TOKEN_FORGED')
})

test('a secret is replaced by way of a list', () => {
  const old = new ChannelTokens('push', OLD)
  const both = new ChannelTokens('push', [NEW, OLD])
  expect(verdict(both, old.make('c1', 2_000))).toBe('open')
  expect(verdict(tokens, both.make('c1', 2_000))).toBe('open')
  expect(verdict(old, both.make('c1', 2_000))).toBe('401 TOKEN_FORGED')
})

test.each([[''], ['short'], [[]], [[NEW, '']], [undefined as unknown as string]])(
  'secret %j is refused',
  secret => {
    expect(() => new ChannelTokens('push', secret)).toThrow('at least 16 characters')
  },
)
