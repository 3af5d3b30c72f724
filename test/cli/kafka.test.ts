import { expect, it, onTestFinished } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { needs } from '../support/needs.ts'
import { CliProcess, directoryWith, runCli } from './cli-process.ts'

const { brokers, suite } = await needs('native client', 'broker')
const client = await needs('native client')

/** Topics of this test's own: the broker is shared by the whole run. */
function names() {
  const id = `cli-${crypto.randomUUID().slice(0, 8)}`
  return { id, from: `${id}-in`, to: `${id}-out` }
}

const COUNT = `import { serdes, StreamsBuilder } from 'millrace'
export default (settings: { readonly [name: string]: string }) => {
  const builder = new StreamsBuilder()
  builder
    .stream<string, string>(settings['from']!, { keySerde: serdes.string(), valueSerde: serdes.string() })
    .groupByKey()
    .count({ storeName: 'counts', keySerde: serdes.string() })
    .toStream()
    .to(settings['to']!, { keySerde: serdes.string(), valueSerde: serdes.int64() })
  return builder.build()
}
export const service = async (streams: unknown, context: { readonly processIndex: number }) => {
  console.log('service\\t' + context.processIndex)
  return { async [Symbol.asyncDispose]() {} }
}
`

function pidsOf(stderr: string): number[] {
  return [...stderr.matchAll(/process \d started pid=(\d+)/g)].map(match => Number(match[1]))
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

await suite('millrace on Kafka', () => {
  function args({ id, from, to }: ReturnType<typeof names>): string[] {
    const settings = ['--set', `from=${from}`, '--set', `to=${to}`, '--set', 'commitIntervalMs=100']
    return ['run', 'count.ts', '--brokers', brokers, '--application-id', id, ...settings, '--print', to]
  }

  it('a missing topic is an error that says how to create it', async () => {
    const topics = names()
    const end = await runCli(args(topics), { directory: await directoryWith({ 'count.ts': COUNT }) })
    expect(end.stderr).toContain(
      `TOPIC_MISSING: "${topics.from}", "${topics.to}": no such topic at ${brokers}`,
    )
    expect(end.stderr).toContain('--create-topics')
    expect(end.code).toBe(1)
  })

  it('two processes share the work; one is killed and started again; SIGTERM ends all', async () => {
    const topics = names()
    const directory = await directoryWith({ 'count.ts': COUNT })
    const input = ['--input', `${topics.from}=-`, '--input-key-separator', ':']
    const cli = await CliProcess.start(
      [...args(topics), '--processes', '2', '--create-topics', '--partitions', '4', ...input],
      { directory },
    )
    onTestFinished(() => pidsOf(cli.stderr).forEach(pid => isAlive(pid) && process.kill(pid, 'SIGKILL')))
    await cli.logged('[0] ' + topics.id + ' is running')
    await cli.logged('[1] ' + topics.id + ' is running')
    for (let key = 0; key < 20; key += 1) cli.child.stdin?.write(`k${key}:x\n`)
    for (let key = 0; key < 20; key += 1) await cli.printed(`k${key}\t1\n`)
    const [, second] = pidsOf(cli.stderr)
    process.kill(second!, 'SIGKILL')
    await cli.logged('process 1 has ended; starting it again')
    for (let key = 0; key < 20; key += 1) cli.child.stdin?.write(`k${key}:y\n`)
    await eventually(() => {
      for (let key = 0; key < 20; key += 1) expect(cli.stdout).toContain(`k${key}\t2\n`)
      return true
    })
    const end = await cli.stop()
    expect(end.code).toBe(0)
    // The service ran in the first process only; no count came twice.
    const lines = end.stdout.split('\n').filter(line => line !== '')
    expect(lines.filter(line => line.startsWith('service'))).toEqual(['service\t0'])
    expect(lines).toHaveLength(41)
    expect(pidsOf(end.stderr).filter(isAlive)).toEqual([])
  })

  it('topics, produce, consume and reset', async () => {
    const topics = names()
    const directory = await directoryWith({ 'count.ts': COUNT })
    const cli = (args: string[], input = '') => runCli([...args, '--brokers', brokers], { directory, input })
    const created = await cli([
      'topics',
      'create',
      topics.from,
      '--partitions',
      '2',
      '--set',
      'retention.ms=-1',
    ])
    expect(created).toMatchObject({ code: 0, stdout: `topic ${topics.from} created with 2 partitions\n` })
    await cli(['topics', 'create', topics.to, '--partitions', '1'])
    const produced = await cli(['produce', topics.from, '--key-separator', ':'], 'a:1\nb:2\na:3\n')
    expect(produced).toMatchObject({ code: 0, stdout: '3\n' })
    const { stdout: described } = await cli(['topics', 'describe', topics.from, '--json'])
    const [{ partitions, settings }] = JSON.parse(described) as [
      { partitions: { end: number }[]; settings: { [name: string]: string } },
    ]
    expect(partitions.reduce((sum, { end }) => sum + end, 0)).toBe(3)
    expect(settings).toMatchObject({ 'retention.ms': '-1', 'cleanup.policy': 'delete' })

    const settle = ['--set', `from=${topics.from}`, '--set', `to=${topics.to}`]
    const counted = async () => {
      const run = await CliProcess.start([...args(topics)], { directory })
      await run.printed('a\t2\n')
      await run.printed('b\t1\n')
      return run
    }
    const running = await counted()
    const refused = await cli(['reset', 'count.ts', '--application-id', topics.id, ...settle, '--execute'])
    expect(refused.stderr).toContain(`GROUP_NOT_EMPTY: the application ${topics.id} is running`)
    expect(refused.code).toBe(1)
    expect((await running.stop()).code).toBe(0)

    const reset = await cli(['reset', 'count.ts', '--application-id', topics.id, ...settle, '--execute'])
    expect(reset).toMatchObject({ code: 0, stderr: '' })
    expect(reset.stdout).toContain(`topic ${topics.id}-counts-changelog: deleted\n`)
    // From the beginning once more, with the same counts.
    expect((await (await counted()).stop()).code).toBe(0)
    const read = await cli(['consume', topics.to, '--format', 'text', '--value-serde', 'int64'])
    const values = read.stdout.split('\n').filter(line => line.startsWith('a\t'))
    expect(values.at(-1)).toBe('a\t2')
    expect(values.length).toBeGreaterThanOrEqual(2)
    const deleted = await cli(['topics', 'delete', topics.from, '--yes'])
    expect(deleted).toMatchObject({ code: 0, stdout: `topic ${topics.from} deleted\n` })
    expect((await cli(['topics', 'list'])).stdout.split('\n')).not.toContain(topics.from)
  })

  it('the processes end when their supervisor is killed', async () => {
    const topics = names()
    const cli = await CliProcess.start([...args(topics), '--processes', '2', '--create-topics'], {
      directory: await directoryWith({ 'count.ts': COUNT }),
    })
    await cli.logged('[0] ' + topics.id + ' is running')
    const pids = pidsOf(cli.stderr)
    onTestFinished(() => pids.forEach(pid => isAlive(pid) && process.kill(pid, 'SIGKILL')))
    expect(pids).toHaveLength(2)
    cli.child.kill('SIGKILL')
    await eventually(() => !pids.some(isAlive), { what: 'the end of the processes' })
  })
})

await client.suite('millrace on Kafka without a broker', () => {
  it('says which address does not answer', async () => {
    const directory = await directoryWith({ 'count.ts': COUNT })
    const end = await runCli(
      ['run', 'count.ts', '--brokers', '127.0.0.1:1', '--set', 'from=a', '--set', 'to=b'],
      {
        directory,
      },
    )
    expect(end.stderr).toContain('error: BROKER_UNREACHABLE: no Kafka broker answers at 127.0.0.1:1')
    expect(end.code).toBe(1)
  })
})
