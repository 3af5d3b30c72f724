import { readdir } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { WORD_COUNT } from './built-cli.ts'
import { CliProcess, directoryWith, runCli } from './cli-process.ts'

const LINES = 'all streams lead to kafka\nhello kafka streams\njoin kafka summit\n'
const INPUT = ['--input', 'streams-plaintext-input=lines.txt']
const PRINT = ['--print', 'streams-wordcount-output']

/** The last count of each word, as printed. */
function counts(stdout: string): { readonly [word: string]: number } {
  const rows = stdout.split('\n').filter(line => line !== '')
  return Object.fromEntries(rows.map(row => row.split('\t')).map(([word, count]) => [word, Number(count)]))
}

const COUNTED = { all: 1, streams: 2, lead: 1, to: 1, kafka: 3, hello: 1, join: 1, summit: 1 }
const twice = Object.fromEntries(Object.entries(COUNTED).map(([word, count]) => [word, count * 2]))

describe('run word-count', () => {
  it.each(['exactly-once', 'at-least-once'])(
    'in memory, from a file to standard output (%s)',
    async guarantee => {
      const directory = await directoryWith({ 'lines.txt': LINES })
      const settings = ['--set', `processingGuarantee=${guarantee}`, '--set', 'commitIntervalMs=50']
      const end = await runCli(
        ['run', WORD_COUNT, '--brokers', 'memory', ...INPUT, ...PRINT, ...settings, '--exit-when-idle'],
        { directory },
      )
      expect(end.stderr).not.toMatch(/^(warn|error)/m)
      expect(end.code).toBe(0)
      expect(counts(end.stdout)).toEqual(COUNTED)
    },
  )

  it('embedded: a restart goes on with the counts and prints only what is new', async () => {
    const directory = await directoryWith({ 'lines.txt': LINES })
    const args = ['run', WORD_COUNT, ...INPUT, ...PRINT, '--exit-when-idle']
    expect(counts((await runCli(args, { directory })).stdout)).toEqual(COUNTED)
    expect(counts((await runCli(args, { directory })).stdout)).toEqual(twice)
  })

  it('embedded, killed with -9 after it has printed: a restart goes on with the counts', async () => {
    const directory = await directoryWith({ 'lines.txt': LINES })
    const args = ['run', WORD_COUNT, ...INPUT, ...PRINT]
    const first = await CliProcess.start(args, { directory })
    // Printed means committed: nothing of it may be lost or counted again.
    await eventually(() => JSON.stringify(sorted(counts(first.stdout))) === JSON.stringify(sorted(COUNTED)))
    expect(await first.stop('SIGKILL')).toMatchObject({ code: 'SIGKILL' })
    const second = await runCli([...args, '--exit-when-idle'], { directory })
    expect(second.code).toBe(0)
    expect(counts(second.stdout)).toEqual(twice)
  })

  it('standard input: lines come out while it is open; SIGTERM ends it with 0', async () => {
    const directory = await directoryWith({})
    const args = ['run', WORD_COUNT, '--brokers', 'memory', '--input', 'streams-plaintext-input=-', ...PRINT]
    const process = await CliProcess.start(args, { directory })
    process.child.stdin?.write('Hello hello\n')
    await process.printed('hello\t2\n')
    process.child.stdin?.write('\n')
    await process.printed('\t1\n')
    const end = await process.stop('SIGTERM')
    expect(end.stderr).not.toMatch(/^(warn|error)/m)
    expect(end.code).toBe(0)
  })

  it('SIGTERM while it starts: ends with 0', async () => {
    const directory = await directoryWith({})
    const process = await CliProcess.start(['run', WORD_COUNT, '--brokers', 'memory'], { directory })
    await process.logged('topic streams-plaintext-input created')
    const end = await process.stop('SIGTERM')
    expect(end.stderr).not.toMatch(/^(warn|error)/m)
    expect(end.code).toBe(0)
  })

  it('a reader of the output that goes away ends it with 0', async () => {
    const directory = await directoryWith({ 'lines.txt': LINES })
    const process = await CliProcess.start(['run', WORD_COUNT, '--brokers', 'memory', ...INPUT, ...PRINT], {
      directory,
    })
    process.child.stdout?.destroy()
    expect(await process.end).toMatchObject({ code: 0 })
  })
})

function sorted(rows: { readonly [word: string]: number }) {
  return Object.entries(rows).sort()
}

describe('run: where state lies', () => {
  it('a second process with the same state directory is refused, the first goes on', async () => {
    const directory = await directoryWith({})
    const first = await CliProcess.start(['run', WORD_COUNT, '--state-dir', 'state'], { directory })
    await first.logged('is running')
    const durable = await runCli(['run', WORD_COUNT], { directory, env: { MILLRACE_STATE_DIR: 'state' } })
    expect(durable.stderr).toContain('error: BROKER_DIRECTORY_IN_USE: ')
    expect(durable.code).toBe(1)
    const inMemory = await runCli(['run', WORD_COUNT, '--brokers', 'memory', '--state-dir', 'state'], {
      directory,
    })
    expect(inMemory.stderr).toContain('error: STATE_DIRECTORY_IN_USE: ')
    expect(inMemory.code).toBe(1)
    expect(await first.stop()).toMatchObject({ code: 0 })
  })
})

describe('run: input and output', () => {
  const FLOW = `import { serdes, StreamsBuilder } from 'millrace'
const builder = new StreamsBuilder()
builder
  .stream('in', { keySerde: serdes.string(), valueSerde: serdes.string() })
  .mapValues(text => (text === 'gone' ? null : { text }))
  .to('out', { keySerde: serdes.string(), valueSerde: serdes.json<{ text: string } | null>() })
export default builder.build()
`
  const args = [
    'run',
    'flow.ts',
    '--brokers',
    'memory',
    '--input',
    'in=lines.txt',
    '--print',
    'out',
    '--exit-when-idle',
  ]

  it('keys by a separator, values decoded, null for what is missing; one partition keeps the order', async () => {
    const directory = await directoryWith({ 'flow.ts': FLOW, 'lines.txt': 'a:1\nb:2:3\na:gone\n:none' })
    const end = await runCli([...args, '--input-key-separator', ':', '--partitions', '1'], { directory })
    expect(end.stdout).toBe('a\t{"text":"1"}\nb\t{"text":"2:3"}\na\tnull\n\t{"text":"none"}\n')
    expect(end.code).toBe(0)
  })

  it('a line without its separator ends the run, and says which', async () => {
    const directory = await directoryWith({ 'flow.ts': FLOW, 'lines.txt': 'a:1\nb\n' })
    const end = await runCli([...args, '--input-key-separator', ':'], { directory })
    expect(end.stderr).toContain('INPUT_WITHOUT_KEY: line 2 of lines.txt has no ":"')
    expect(end.code).toBe(1)
  })

  it('a topic that the topology does not know is printed as UTF-8', async () => {
    const withTopic = `${FLOW}export const topics = [{ topic: 'other', partitionCount: 1 }]\n`
    const directory = await directoryWith({ 'flow.ts': withTopic, 'lines.txt': 'zwölf\n' })
    const end = await runCli([...args, '--input', 'other=lines.txt', '--print', 'other'], { directory })
    expect(new Set(end.stdout.split('\n'))).toEqual(new Set(['', 'null\t{"text":"zwölf"}', 'null\tzwölf']))
  })

  it.each([
    [
      '--input',
      'inn=lines.txt',
      '--input inn: neither a topic of flow.ts nor one that the brokers have; did you mean in?',
    ],
    [
      '--print',
      'outt',
      '--print outt: neither a topic of flow.ts nor one that the brokers have; did you mean out?',
    ],
  ])('a topic that nobody has is refused with the nearest name: %s %s', async (option, value, says) => {
    const directory = await directoryWith({ 'flow.ts': FLOW, 'lines.txt': 'x\n' })
    const end = await runCli([...args, option, value], { directory })
    expect(end.stderr).toContain(`UNKNOWN_TOPIC: ${says}`)
    expect(end.code).toBe(2)
  })

  it('makes the topic for dead letters, which may be printed', async () => {
    const refusing = FLOW.replace('serdes.string() })\n', 'serdes.json<string>() })\n')
    const directory = await directoryWith({ 'flow.ts': refusing, 'lines.txt': '"a"\n{\n' })
    const letters = ['--set', 'deadLetterQueueTopic=letters', '--set', 'deserializationErrorHandler=continue']
    const end = await runCli([...args, '--input-key-separator', '', '--print', 'letters', ...letters], {
      directory,
    })
    expect(end).toMatchObject({ code: 0 })
    expect(end.stdout).toContain('\t{\n')
  })

  it('leaves no state behind of a broker that is gone, unless a directory is named', async () => {
    const directory = await directoryWith({ 'flow.ts': FLOW, 'lines.txt': 'x\n' })
    for (const _round of [1, 2]) {
      const end = await runCli(args, { directory })
      expect(end.stdout).toBe('null\t{"text":"x"}\n')
      expect(end.stderr).not.toContain('made anew')
    }
    expect(await readdir(directory)).not.toContain('.millrace')
    await runCli([...args, '--state-dir', 'kept'], { directory })
    expect(await readdir(directory)).toContain('kept')
  })

  it.each(['info', 'error'])(
    'a failure is told once, with its place in the file (--log-level %s)',
    async level => {
      const broken = FLOW.replace("text === 'gone' ? null : { text }", 'JSON.parse(text)')
      const directory = await directoryWith({ 'flow.ts': broken, 'lines.txt': 'no JSON\n' })
      const end = await runCli([...args, '--log-level', level], { directory })
      expect(end.stderr.split('is not valid JSON')).toHaveLength(2)
      expect(end.stderr).toMatch(/^error: PROCESSING_FAILED: .*\n    at .*flow\.ts:5:\d+\)?$/m)
      expect(end.code).toBe(1)
    },
  )

  it('a directory as input', async () => {
    const directory = await directoryWith({ 'flow.ts': FLOW })
    const end = await runCli(['run', 'flow.ts', '--brokers', 'memory', '--input', 'in=.'], { directory })
    expect(end.stderr).toContain('error: INPUT_UNREADABLE: --input: EISDIR')
    expect(end.code).toBe(1)
  })

  it('a record that the topology cannot take ends the run with 1', async () => {
    const thrower = FLOW.replace(
      "(text === 'gone' ? null : { text })",
      "{ throw new TypeError('cannot take ' + text) }",
    )
    const directory = await directoryWith({ 'flow.ts': thrower, 'lines.txt': 'a\n' })
    const end = await runCli(['run', 'flow.ts', '--brokers', 'memory', '--input', 'in=lines.txt'], {
      directory,
    })
    expect(end.stderr).toMatch(/^error: \w+: .*cannot take a/m)
    expect(end.code).toBe(1)
  })

  it('what only the last commit makes true, on closing, is printed, too', async () => {
    const peek = ".peek(text => { if (text === 'last') console.log('seen') })\n  .mapValues("
    const lines = Array.from({ length: 5_000 }, (_, index) => `${index}\n`)
    const directory = await directoryWith({
      'flow.ts': FLOW.replace('.mapValues(', peek),
      'lines.txt': `${lines.join('')}last\n`,
    })
    const late = ['--set', 'commitIntervalMs=9000', '--partitions', '1']
    const process = await CliProcess.start([...args.slice(0, -1), ...late], { directory })
    await process.printed('seen\n')
    const end = await process.stop()
    expect(end.code).toBe(0)
    const printed = end.stdout.split('\n').filter(line => line !== '' && line !== 'seen')
    expect(printed).toHaveLength(5_001)
    expect(printed.at(-1)).toBe('null\t{"text":"last"}')
  })
})
