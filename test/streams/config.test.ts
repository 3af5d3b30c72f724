import { describe, expect, it } from 'vitest'
import { serdes } from '../../lib/serde/serdes.ts'
import { resolveConfig, type StreamsConfig } from '../../lib/streams/config.ts'

const resolve = (config: { readonly [name: string]: unknown }) =>
  resolveConfig({ applicationId: 'app', ...config } as unknown as StreamsConfig)

describe('config', () => {
  it('fills in defaults: exactly-once with a commit every 100 ms', () => {
    expect(resolve({})).toMatchObject({
      processingGuarantee: 'exactly-once',
      commitIntervalMs: 100,
      clientId: 'app',
      stateDir: '.millrace',
      transactionTimeoutMs: 10_000,
      cacheBytesMax: 10 * 1024 * 1024,
    })
  })

  it('commits every 30 s under at-least-once', () => {
    expect(resolve({ processingGuarantee: 'at-least-once' }).commitIntervalMs).toBe(30_000)
  })

  it.each([
    ['commitIntervallMs', 'commitIntervalMs'],
    ['commit.interval.ms', 'commitIntervalMs'],
    ['processing.guarantee', 'processingGuarantee'],
    ['statedir', 'stateDir'],
    ['state.cleanup.delay.ms', 'stateCleanupDelayMs'],
  ])('names the nearest setting for the unknown %s', (name, nearest) => {
    expect(() => resolve({ [name]: 1 })).toThrow(
      new RegExp(`"${name}" is no setting: did you mean ${nearest}`),
    )
  })

  it('guesses nothing where nothing is near', () => {
    expect(() => resolve({ zzzzzzzz: 1 })).toThrow(/^"zzzzzzzz" is no setting$/)
  })

  it.each([
    ['processingGuarantee', 'exactly_once_v2', /must be 'exactly-once' or 'at-least-once'/],
    ['commitIntervalMs', -1, /commitIntervalMs is -1: it must be a whole number of at least 0/],
    ['commitIntervalMs', '100', /commitIntervalMs is "100"/],
    ['maxTaskIdleMs', -2, /at least -1/],
    ['stateCleanupDelayMs', 0, /stateCleanupDelayMs is 0: it must be a whole number of at least 1/],
    ['applicationId', 'a b', /letters, digits/],
    ['defaultKeySerde', 'string', /must be a serde/],
    ['processingErrorHandler', 'continue', /must be a function/],
    ['replicationFactor', 0, /-1 \(the broker decides\)/],
  ])('refuses %s = %j', (name, value, message) => {
    expect(() => resolve({ [name]: value })).toThrow(message)
  })

  it.each([
    [
      { commitIntervalMs: 10_000 },
      'commitIntervalMs is 10000 ms, transactionTimeoutMs is 10000 ms: the broker would abort every transaction before its commit. ' +
        'commitIntervalMs must be less than transactionTimeoutMs: lower the one or raise the other',
    ],
    [{ transactionTimeoutMs: 100 }, 'commitIntervalMs is 100 ms, transactionTimeoutMs is 100 ms'],
    [
      { sessionTimeoutMs: 5_001, pollIntervalMsMax: 5_000 },
      'sessionTimeoutMs is 5001 ms, pollIntervalMsMax is 5000 ms',
    ],
  ])('refuses times that contradict each other: %j', (config, message) => {
    const error = thrown(() => resolve(config))
    expect(error).toMatchObject({ code: 'CONFLICTING_SETTINGS' })
    expect(error.message).toContain(message)
  })

  it.each([
    [{ processingGuarantee: 'at-least-once', commitIntervalMs: 30_000 }],
    [{ transactionTimeoutMs: 101 }],
    [{ sessionTimeoutMs: 5_000, pollIntervalMsMax: 5_000 }],
    [{ groupProtocol: 'consumer', sessionTimeoutMs: 5_001, pollIntervalMsMax: 5_000 }],
  ])('takes times that have nothing against each other: %j', config => {
    expect(resolve(config)).toMatchObject(config)
  })

  it('shortens the default session to the interval of polls', () => {
    expect(resolve({ pollIntervalMsMax: 2_000 }).sessionTimeoutMs).toBe(2_000)
    expect(() => resolve({ pollIntervalMsMax: '2s' })).toThrow(/^pollIntervalMsMax is "2s"/)
  })

  it('takes serdes', () => {
    expect(resolve({ defaultKeySerde: serdes.string() }).defaultKeySerde?.name).toBe('string')
  })

  it('needs an application id', () => {
    expect(() => resolveConfig({} as StreamsConfig)).toThrow(/applicationId is missing/)
  })
})

function thrown(call: () => unknown): Error {
  try {
    call()
  } catch (error) {
    return error as Error
  }
  throw new Error('nothing was thrown')
}
