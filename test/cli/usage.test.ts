import { describe, expect, it } from 'vitest'
import { WORD_COUNT } from './built-cli.ts'
import { directoryWith, runCli } from './cli-process.ts'

const COPY = `import { serdes, StreamsBuilder } from 'millrace'
const builder = new StreamsBuilder()
const text = { keySerde: serdes.string(), valueSerde: serdes.string() }
builder.stream('in', text).to('out', text)
export default builder.build()
`

describe('help', () => {
  it.each([
    [['--help'], 'Usage: millrace [options] [command]', 'millrace describe src/orders.ts'],
    [['run', '--help'], 'Usage: millrace run [options] <file...>', '--processes 4'],
    [['help', 'describe'], 'Usage: millrace describe [options] <file>', '--set currency=EUR'],
  ])('%j: usage and examples on standard output, exit code 0', async (args, usage, example) => {
    const end = await runCli(args, { directory: await directoryWith({}) })
    expect(end).toMatchObject({ code: 0, stderr: '' })
    expect(end.stdout).toContain(usage)
    expect(end.stdout).toContain(example)
  })

  it('of every command: names no file of the repository, which the package has not', async () => {
    const directory = await directoryWith({})
    const { stdout } = await runCli(['--help'], { directory })
    const commands = [...stdout.matchAll(/^ {2}([a-z]+) .* {2}/gm)].map(([, name]) => name!)
    expect(commands).toEqual(expect.arrayContaining(['run', 'describe', 'topics', 'init', 'completion']))
    const helps = commands.map(name => runCli(['help', name], { directory }))
    const texts = [stdout, ...(await Promise.all(helps)).map(end => end.stdout)]
    const named = texts.flatMap(
      text => text.match(/(?<![\w/])(topologies|test|bench|lib|dist|\.ci)\/\S*/g) ?? [],
    )
    expect(named).toEqual([])
  })

  it('--version: that of the package', async () => {
    const end = await runCli(['--version'], { directory: await directoryWith({}) })
    expect(end).toMatchObject({ code: 0, stderr: '' })
    expect(end.stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
  })
})

describe('wrong usage: exit code 2, the reason on standard error, nothing started', () => {
  const run = ['run', 'copy.ts', '--brokers', 'memory']

  it.each([
    { args: [], says: 'Usage: millrace' },
    { args: ['fly'], says: "unknown command 'fly'" },
    { args: ['run'], says: "missing required argument 'file'" },
    { args: [...run, '--wat'], says: "unknown option '--wat'" },
    { args: [...run, '--processes', '2'], says: 'PROCESSES_NEED_KAFKA: --processes 2 with --brokers memory' },
    { args: ['run', 'copy.ts', '--processes', '2'], says: '--processes 2 with --brokers embedded' },
    { args: [...run, '--processes', 'many'], says: 'It must be a whole number of at least 1' },
    { args: [...run, '--set', 'commitInterval=3'], says: 'did you mean commitIntervalMs?' },
    { args: [...run, '--set', 'commit.interval.ms=3'], says: 'did you mean commitIntervalMs?' },
    { args: [...run, '--set', 'commitIntervalMs=soon'], says: 'INVALID_SETTING: commitIntervalMs is "soon"' },
    {
      args: [...run, '--set', 'transactionTimeoutMs=2000', '--set', 'commitIntervalMs=2000'],
      says: 'CONFLICTING_SETTINGS: commitIntervalMs is 2000 ms, transactionTimeoutMs is 2000 ms',
    },
    {
      args: [...run, '--set', 'sessionTimeoutMs=400000'],
      says: 'sessionTimeoutMs is 400000 ms, pollIntervalMsMax is 300000 ms',
    },
    { args: [...run, '--set', 'changelogCoalescing=maybe'], says: 'changelogCoalescing is "maybe"' },
    { args: [...run, '--set', 'stateDir=x'], says: 'use --state-dir' },
    { args: [...run, '--set', 'defaultKeySerde=string'], says: "set it in the file's exported config" },
    { args: [...run, '--set', 'alone'], says: 'It must have the form NAME=VALUE' },
    { args: [...run, '--application-id', 'a b'], says: 'applicationId is "a b"' },
    { args: [...run, '--input', 'lines'], says: 'It must have the form NAME=VALUE' },
    { args: [...run, '--input', 'a=-', '--input', 'b=-'], says: 'STANDARD_INPUT_TWICE' },
    { args: [...run, '--log-level', 'loud'], says: 'Allowed choices are debug, info, warn, error' },
    { args: [...run, '--client-config', 'sasl.properties'], says: 'CLIENT_CONFIG_UNUSED' },
    { args: [...run, '--fetch', 'direct'], says: 'FETCH_UNUSED: --fetch is for a Kafka cluster' },
    { args: [...run, '--produce', 'direct'], says: 'PRODUCE_UNUSED: --produce is for a Kafka cluster' },
    { args: ['run', 'copy.ts', '--produce', 'fast'], says: 'Allowed choices are direct, native' },
    { args: ['run', 'copy.ts', '--fetch', 'fast'], says: 'Allowed choices are direct, native' },
    {
      args: ['run', 'copy.ts', '--brokers', 'h:1', '--client-config', 'none'],
      says: 'CLIENT_CONFIG_UNREADABLE',
    },
    { args: ['run', 'copy.ts', '--brokers', 'h:1', '--client-config', 'copy.ts'], says: 'is not name=value' },
    {
      args: ['run', 'copy.ts', '--brokers', 'h:1', '--client-config', 'reserved.properties'],
      says: 'CLIENT_SETTING_RESERVED: the client setting "group.id" is set by Millrace',
    },
    {
      args: ['run', 'copy.ts', '--brokers', 'h:1', '--client-config', 'times.properties'],
      says: 'CONFLICTING_SETTINGS: socket.timeout.ms is 9000 ms, delivery.timeout.ms is 8000 ms',
    },
    { args: ['run', 'copy.ts', '--brokers', 'localhost'], says: 'brokers is "localhost"' },
  ])('$says', async ({ args, says }) => {
    const files = {
      'copy.ts': COPY,
      'times.properties': 'socket.timeout.ms=9000\ndelivery.timeout.ms=8000\n',
      'reserved.properties': '# ours\n\nsocket.keepalive.enable=true\n group.id = x\n',
    }
    const end = await runCli(args, { directory: await directoryWith(files) })
    expect(end.stderr).toContain(says)
    expect(end).toMatchObject({ code: 2, stdout: '' })
    expect(end.stderr).not.toContain('is running')
  })

  it('PORT that is no number', async () => {
    const directory = await directoryWith({ 'copy.ts': COPY })
    const end = await runCli(run, { directory, env: { PORT: 'http' } })
    expect(end.stderr).toContain('INVALID_PORT: PORT is "http"')
    expect(end.code).toBe(2)
  })
})

describe('failure: exit code 1, one line with a code on standard error, and its place in the file', () => {
  const files = {
    'copy.ts': COPY,
    'nothing.ts': 'export const topology = 1\n',
    'number.ts': 'export default 7\n',
    'function.ts': 'export default () => 7\n',
    'service.ts': `${COPY}export const service = 'http'\n`,
    'broken.ts': 'const x: = 1\n',
    'throws.ts': "throw new TypeError('no such colour')\n",
    'empty.ts':
      "import { serdes, StreamsBuilder } from 'millrace'\nexport default new StreamsBuilder().build()\n",
    'twice.ts': `import { serdes, StreamsBuilder } from 'millrace'
const builder = new StreamsBuilder()
for (const topic of ['a', 'b']) builder.table(topic, { storeName: 'same' })
export default builder.build()
`,
  }

  it.each([
    { args: ['run', 'absent.ts'], says: 'TOPOLOGY_FILE_MISSING: there is no file' },
    { args: ['run', '.'], says: 'TOPOLOGY_FILE_MISSING: there is no file' },
    {
      args: ['describe', 'nothing.ts'],
      says: 'TOPOLOGY_FILE_INVALID: nothing.ts cannot be run: it has no default',
    },
    { args: ['describe', 'number.ts'], says: 'its topology is of type number' },
    { args: ['describe', 'function.ts'], says: 'its topology is of type number' },
    { args: ['describe', 'service.ts'], says: 'its export "service" must be a function' },
    { args: ['describe', 'broken.ts'], says: 'broken.ts:1:9: ERROR: Unexpected "="' },
    {
      args: ['describe', 'throws.ts'],
      says: 'throws.ts does not load: no such colour',
      at: /throws\.ts:1:7/,
    },
    { args: ['describe', 'twice.ts'], says: 'error: STORE_EXISTS: ', at: /twice\.ts:4:\d+/ },
    { args: ['run', 'empty.ts', '--brokers', 'memory'], says: 'error: NO_SOURCE: ' },
    { args: ['run', 'copy.ts', '--input', 'in=absent.txt'], says: 'INPUT_UNREADABLE: --input: ENOENT' },
  ])('$says', async ({ args, says, at }: { args: string[]; says: string; at?: RegExp }) => {
    const end = await runCli(args, { directory: await directoryWith(files) })
    expect(end.stderr).toContain(says)
    expect(end).toMatchObject({ code: 1, stdout: '' })
    const frames = end.stderr.match(/^ +at .*$/gm) ?? []
    expect(frames).toEqual(at ? [expect.stringMatching(at)] : [])
  })

  it('--log-level debug: with the stack of the error and of its cause', async () => {
    const directory = await directoryWith(files)
    const end = await runCli(['describe', 'throws.ts', '--log-level', 'debug'], { directory })
    expect(end.stderr).toMatch(/caused by TypeError: no such colour\n\s+at .*throws\.ts:1/)
  })
})

describe('describe', () => {
  it("word-count: Kafka Streams' text", async () => {
    const end = await runCli(['describe', WORD_COUNT], { directory: await directoryWith({}) })
    expect(end).toMatchObject({ code: 0, stderr: '' })
    expect(end.stdout).toMatch(/^Topologies:\n {3}Sub-topology: 0\n/)
    expect(end.stdout).toContain('Source: KSTREAM-SOURCE-0000000000 (topics: [streams-plaintext-input])')
    expect(end.stdout).toContain('Processor: KSTREAM-AGGREGATE-0000000003 (stores: [word-counts])')
    expect(end.stdout).toContain('(topic: streams-wordcount-output)')
  })
})
