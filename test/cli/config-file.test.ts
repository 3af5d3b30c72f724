import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { directoryWith, runCli } from './cli-process.ts'

const COPY = `import { serdes, StreamsBuilder } from 'millrace'
const builder = new StreamsBuilder()
const text = { keySerde: serdes.string(), valueSerde: serdes.string() }
builder.stream('in', text).to('out', text)
export default builder.build()
export const config = { commitIntervalMs: 500, maxPollRecords: 7, cacheBytesMax: 1 }
export const topics = [{ topic: 'in', partitionCount: 1 }, { topic: 'own', partitionCount: 1 }]
`

const CONFIG = `import type { MillraceConfig } from 'millrace'
export default {
  brokers: 'memory',
  clientConfig: 'client.properties',
  applicationId: 'from-config',
  stateDir: 'state-of-config',
  settings: { commitIntervalMs: 50, maxPollRecords: 8, processingErrorHandler: function skipAll() { return 'continue' } },
  topics: [{ topic: 'in', partitionCount: 3 }],
} satisfies MillraceConfig
`

interface Setting {
  readonly value: unknown
  readonly from: string
}

async function settings(
  files: { readonly [name: string]: string },
  args: readonly string[] = [],
  env: { readonly [name: string]: string } = {},
) {
  const directory = await directoryWith({ 'copy.ts': COPY, ...files })
  const end = await runCli(['config', 'copy.ts', '--json', ...args], { directory, env })
  expect(end).toMatchObject({ code: 0, stderr: '' })
  return { directory, found: JSON.parse(end.stdout) as { readonly [name: string]: Setting } }
}

describe('a config file', () => {
  it('goes before what the topology file exports, and is named as the source', async () => {
    const config = CONFIG.replace('memory', 'h:1')
    const { directory, found } = await settings({ 'millrace.config.ts': config })
    const from = 'millrace.config.ts'
    expect(found).toMatchObject({
      brokers: { value: 'h:1', from },
      clientConfig: { value: join(directory, 'client.properties'), from },
      applicationId: { value: 'from-config', from },
      clientId: { value: 'from-config', from: 'default' },
      stateDir: { value: join(directory, 'state-of-config'), from },
      commitIntervalMs: { value: 50, from },
      maxPollRecords: { value: 8, from },
      processingErrorHandler: { value: 'function skipAll', from },
      cacheBytesMax: { value: 1, from: 'file' },
      declaredTopics: {
        value: [
          { topic: 'in', partitionCount: 3 },
          { topic: 'own', partitionCount: 1 },
        ],
        from: 'millrace.config.ts, file',
      },
    })
  })

  it('comes after the environment, and that after the command line', async () => {
    const env = {
      MILLRACE_BROKERS: 'e:1',
      MILLRACE_APPLICATION_ID: 'from-env',
      MILLRACE_STATE_DIR: 'state-of-env',
      MILLRACE_CLIENT_CONFIG: '',
    }
    const { found } = await settings({ 'millrace.config.ts': CONFIG }, ['--set', 'commitIntervalMs=60'], env)
    expect(found).toMatchObject({
      brokers: { value: 'e:1', from: 'MILLRACE_BROKERS' },
      clientConfig: { from: 'millrace.config.ts' },
      applicationId: { value: 'from-env', from: 'MILLRACE_APPLICATION_ID' },
      stateDir: { value: 'state-of-env', from: 'MILLRACE_STATE_DIR' },
      commitIntervalMs: { value: 60, from: '--set' },
    })
    const args = [
      '--brokers',
      'c:1',
      '--application-id',
      'own',
      '--state-dir',
      'here',
      '--client-config',
      'own',
    ]
    const { found: own } = await settings({ 'millrace.config.ts': CONFIG }, args, env)
    expect(own).toMatchObject({
      brokers: { value: 'c:1', from: '--brokers' },
      clientConfig: { value: 'own', from: '--client-config' },
      applicationId: { value: 'own', from: '--application-id' },
      stateDir: { value: 'here', from: '--state-dir' },
    })
  })

  it('of brokers in memory: neither its client settings nor its state directory count', async () => {
    const { found } = await settings({ 'millrace.config.ts': CONFIG })
    expect(found).toMatchObject({
      brokers: { value: 'memory', from: 'millrace.config.ts' },
      clientConfig: { value: null, from: 'default' },
      stateDir: { value: '.millrace', from: 'default' },
    })
  })

  it.each([
    ['millrace.config.js', 'export default { applicationId: "named" }'],
    ['millrace.config.json', '{ "applicationId": "named" }'],
  ])('%s', async (name, text) => {
    const { found } = await settings({ [name]: text, 'package.json': '{ "type": "module" }' })
    expect(found['applicationId']).toEqual({ value: 'named', from: name })
  })

  it('named by --config, with paths from its own folder, in place of the one that is there', async () => {
    const files = {
      'deep/prod.json': '{ "stateDir": "state" }',
      'millrace.config.json': '{ "applicationId": "no" }',
    }
    const { directory, found } = await settings(files, ['--config', 'deep/prod.json'])
    expect(found['stateDir']).toEqual({ value: join(directory, 'deep/state'), from: 'prod.json' })
    expect(found['applicationId']).toEqual({ value: 'copy', from: 'file name' })
  })

  it('configures a run: brokers, id, topics', async () => {
    const directory = await directoryWith({ 'copy.ts': COPY, 'millrace.config.ts': CONFIG })
    const end = await runCli(['run', 'copy.ts', '--exit-when-idle'], { directory })
    expect(end.stderr).toContain('topic in created partitions=3')
    expect(end.stderr).toContain('from-config is running brokers=memory')
    expect(end.code).toBe(0)
    expect(await readdir(directory)).toEqual(['copy.ts', 'millrace.config.ts'])
  })

  it('and other commands: where the embedded broker lies', async () => {
    const config = '{ "stateDir": "elsewhere" }'
    const directory = await directoryWith({ 'copy.ts': COPY, 'millrace.config.json': config })
    expect(await runCli(['topics', 'create', 'made', '--partitions', '1'], { directory })).toMatchObject({
      code: 0,
    })
    expect(await readdir(directory)).toContain('elsewhere')
    expect((await runCli(['topics', 'list'], { directory })).stdout).toBe('made\n')
  })

  it('several files cannot share the id of one application', async () => {
    const config = '{ "brokers": "memory", "applicationId": "one" }'
    const directory = await directoryWith({
      'copy.ts': COPY,
      'other.ts': COPY,
      'millrace.config.json': config,
    })
    const end = await runCli(['run', 'copy.ts', 'other.ts'], { directory })
    expect(end.stderr).toContain(
      'ONE_FILE_ONLY: applicationId in millrace.config.json is for one application',
    )
    expect(end.code).toBe(2)
  })

  it.each([
    [
      '{ "broker": "h:1" }',
      'CONFIG_FILE_INVALID: millrace.config.json: there is no broker; did you mean brokers?',
    ],
    ['{ "commitIntervalMs": 1 }', 'settings go into settings: { commitIntervalMs }'],
    ['{ "brokers": 7 }', 'brokers must be a text that is not empty'],
    ['{ "settings": { "commitIntervalM": 1 } }', 'did you mean commitIntervalMs?'],
    ['{ "settings": { "stateDir": "x" } }', 'stateDir stands beside settings'],
    ['{ "topics": ["in"] }', 'topics is '],
    ['[', 'CONFIG_FILE_BROKEN: '],
    ['7', 'it must be an object'],
  ])('%s is refused', async (text, message) => {
    const directory = await directoryWith({ 'copy.ts': COPY, 'millrace.config.json': text })
    const end = await runCli(['config', 'copy.ts'], { directory })
    expect(end.stderr).toContain(message)
    expect(end).toMatchObject({ code: 2, stdout: '' })
  })

  it.each([
    [['--config', 'none.ts'], {}, 'CONFIG_FILE_MISSING: --config none.ts'],
    [[], { 'millrace.config.ts': CONFIG, 'millrace.config.json': '{}' }, 'CONFIG_FILE_TWICE'],
    [[], { 'millrace.config.ts': 'export const x = 1' }, 'its default export must be an object'],
    [[], { 'millrace.config.ts': 'const x = ;' }, 'CONFIG_FILE_BROKEN'],
  ])('%j with %j is refused', async (args, files: { readonly [name: string]: string }, message) => {
    const directory = await directoryWith({ 'copy.ts': COPY, ...files })
    const end = await runCli(['config', 'copy.ts', ...args], { directory })
    expect(end.stderr).toContain(message)
    expect(end.code).toBe(2)
  })
})
