import { describe, expect, it } from 'vitest'
import { resolveConfig } from '../../lib/streams/config.ts'
import { directoryWith, runCli } from './cli-process.ts'

const ORDERS = `import { serdes, StreamsBuilder } from 'millrace'
export default settings => {
  const builder = new StreamsBuilder()
  builder.stream('orders-' + settings.currency).to('out')
  return builder.build()
}
export const config = {
  commitIntervalMs: 500,
  maxPollRecords: 7,
  stateDir: 'from-file',
  defaultValueSerde: serdes.string(),
  processingErrorHandler: () => 'continue',
}
`

interface Setting {
  readonly value: unknown
  readonly from: string
}

async function config(args: readonly string[] = [], env: { readonly [name: string]: string } = {}) {
  const directory = await directoryWith({ 'orders.ts': ORDERS })
  return runCli(['config', 'orders.ts', ...args], { directory, env })
}

async function settings(args: readonly string[] = [], env: { readonly [name: string]: string } = {}) {
  const end = await config([...args, '--json'], env)
  expect(end).toMatchObject({ code: 0, stderr: '' })
  return JSON.parse(end.stdout) as { readonly [name: string]: Setting }
}

describe('millrace config', () => {
  it('prints every setting with its value and where it comes from', async () => {
    const found = await settings(['--set', 'commitIntervalMs=600', '--set', 'currency=EUR'])
    expect(found).toMatchObject({
      applicationId: { value: 'orders', from: 'file name' },
      clientId: { value: 'orders', from: 'default' },
      stateDir: { value: 'from-file', from: 'file' },
      commitIntervalMs: { value: 600, from: '--set' },
      maxPollRecords: { value: 7, from: 'file' },
      cacheBytesMax: { value: 10 * 1024 * 1024, from: 'default' },
      defaultKeySerde: { value: null, from: 'default' },
      defaultValueSerde: { value: 'serde string', from: 'file' },
      processingErrorHandler: { value: 'function processingErrorHandler', from: 'file' },
      topics: { value: [], from: 'default' },
      brokers: { value: 'embedded', from: 'default' },
      clientConfig: { value: null, from: 'default' },
      declaredTopics: { value: [], from: 'default' },
    })
    const others = ['brokers', 'clientConfig', 'declaredTopics']
    const known = Object.keys(resolveConfig({ applicationId: 'any' }))
    expect(Object.keys(found).sort()).toEqual([...known, ...others].sort())
  })

  it('tells options from the environment', async () => {
    const env = { MILLRACE_APPLICATION_ID: 'outside', MILLRACE_STATE_DIR: '/outside' }
    expect(await settings([], env)).toMatchObject({
      applicationId: { value: 'outside', from: 'MILLRACE_APPLICATION_ID' },
      clientId: { value: 'outside', from: 'default' },
      stateDir: { value: '/outside', from: 'MILLRACE_STATE_DIR' },
    })
    expect(await settings(['--application-id', 'own', '--state-dir', 'here'], env)).toMatchObject({
      applicationId: { value: 'own', from: '--application-id' },
      stateDir: { value: 'here', from: '--state-dir' },
    })
  })

  it('as text: a table', async () => {
    const end = await config(['--set', 'processingGuarantee=at-least-once'])
    const rows = end.stdout
      .trimEnd()
      .split('\n')
      .map(row => row.split(/ {2,}/))
    expect(rows[0]).toEqual(['SETTING', 'VALUE', 'FROM'])
    expect(rows).toContainEqual(['processingGuarantee', 'at-least-once', '--set'])
    expect(rows).toContainEqual(['topics', '[]', 'default'])
    expect(end).toMatchObject({ code: 0, stderr: '' })
  })

  it('a setting that cannot be: exit code 2', async () => {
    const end = await config(['--set', 'commitIntervalMs=soon'])
    expect(end.stderr).toContain('INVALID_SETTING: commitIntervalMs is "soon"')
    expect(end).toMatchObject({ code: 2, stdout: '' })
  })
})
