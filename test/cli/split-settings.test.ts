import { describe, expect, it } from 'vitest'
import { splitSettings } from '../../lib/cli/options/split-settings.ts'
import { resolveConfig } from '../../lib/streams/config.ts'

const config = (name: string, value: string) =>
  splitSettings([{ name, value }], { takesSettings: false }).config

describe('settings of the command line', () => {
  it('take a topic for dead letters', () => {
    const resolved = resolveConfig({ applicationId: 'any', ...config('deadLetterQueueTopic', 'dlq') })
    expect(resolved.deadLetterQueueTopic).toBe('dlq')
  })

  it.each([
    ['deserializationErrorHandler', 'continue'],
    ['deserializationErrorHandler', 'fail'],
    ['processingErrorHandler', 'continue'],
    ['processingErrorHandler', 'rollback'],
    ['productionErrorHandler', 'continue'],
  ] as const)('take an answer for a handler: %s=%s', (name, answer) => {
    const handler = resolveConfig({ applicationId: 'any', ...config(name, answer) })[name]
    expect((handler as () => unknown)()).toBe(answer)
  })

  it.each([
    ['processingErrorHandler', 'ignore', /must be continue or fail or rollback/],
    ['productionErrorHandler', 'rollback', /must be continue or fail;/],
    ['defaultKeySerde', 'string', /set it in the file's exported config/],
  ])('refuse what is none, and say what is: %s=%s', (name, value, says) => {
    expect(() => config(name, value)).toThrow(says)
  })
})
