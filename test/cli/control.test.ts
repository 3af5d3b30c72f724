import { describe, expect, it, onTestFinished } from 'vitest'
import { join } from 'node:path'
import { openBroker } from '../../lib/broker/open/open-broker.ts'
import { fixedBackoff, KafkaStreams, serdes, silentLogger, StreamsBuilder } from '../../lib/index.ts'
import { eventually } from '../support/eventually.ts'
import { createTopics, produce, readAll, textOf, type Pair } from '../support/topics.ts'
import { directoryWith, runCli } from './cli-process.ts'

const FILES = {
  'charges.ts': `
import { fixedBackoff, serdes, StreamsBuilder } from 'millrace'
const builder = new StreamsBuilder()
builder
  .stream<string, { amount: number }>('charges', { keySerde: serdes.string(), valueSerde: serdes.json() })
  .mapValuesAsync(
    async ({ amount }) => {
      if (amount > 100) throw new RangeError('limit exceeded')
      return amount
    },
    { name: 'charge', retry: { backoff: fixedBackoff({ delayMs: 3_600_000 }), attempts: 2 } },
  )
  .to('receipts', { keySerde: serdes.string(), valueSerde: serdes.json() })
export default builder.build()
export const topics = ['charges', 'receipts'].map(topic => ({ topic, partitionCount: 1 }))
`,
  'plain.ts': `
import { StreamsBuilder } from 'millrace'
const builder = new StreamsBuilder()
builder.stream('a').to('b')
export default builder.build()
`,
}
const TEXT = { keySerde: serdes.string(), valueSerde: serdes.string() }

/** What `charges.ts` has, as far as the outside sees: a charge beyond 100 fails. */
function topology() {
  const builder = new StreamsBuilder()
  builder
    .stream<string, string>('charges', TEXT)
    .mapValuesAsync(
      async value => {
        if (Number(value) > 100) throw new RangeError('limit exceeded')
        return value
      },
      { name: 'charge', retry: { backoff: fixedBackoff({ delayMs: 3_600_000 }), attempts: 2 } },
    )
    .to('receipts', TEXT)
  return builder.build()
}

/** An application on an embedded broker, which runs between two commands. */
async function stage() {
  const directory = await directoryWith(FILES)
  const stateDir = join(directory, '.millrace')
  const withBroker = async <T>(work: (broker: Awaited<ReturnType<typeof openBroker>>) => Promise<T>) => {
    const broker = await openBroker('embedded', { directory: join(stateDir, 'broker') })
    return work(broker).finally(() => broker.close())
  }
  await withBroker(broker => createTopics(broker, { charges: 1, receipts: 1 }))
  /** Runs until there are so many receipts and parked records; returns the keys of the receipts. */
  const run = (pairs: readonly Pair[], until: { readonly receipts: number; readonly parked: number }) =>
    withBroker(async broker => {
      const config = { applicationId: 'charges', stateDir, commitIntervalMs: 10 }
      const streams = new KafkaStreams(topology(), config, { broker, logger: silentLogger })
      await streams.start()
      await produce(broker, 'charges', 1, pairs)
      const keys = async () => (await readAll(broker, 'receipts')).map(({ key }) => textOf(key))
      await eventually(async () => {
        const { length } = await keys()
        return length >= until.receipts && streams.metrics.total('retry-parked-records') === until.parked
      })
      await streams.close()
      return keys()
    })
  const control = (...args: string[]) => runCli(['control', 'charges.ts', ...args], { directory })
  return { directory, run, control }
}

const NOTHING = { receipts: 0, parked: 0 }

describe('millrace control', () => {
  it('pauses a key, lists it, and resumes it: the next run keeps to it', async () => {
    const { run, control } = await stage()
    await run([], NOTHING)
    const paused = await control('pause', 'charge', '--key', 'ada', '--reason', 'fraud check', '--by', 'eve')
    expect(paused).toMatchObject({ code: 0, stdout: 'charge, key ada: paused\n' })
    const [heading, row] = (await control('list')).stdout.split('\n').map(line => line.split(/ {2,}/))
    expect(heading).toEqual(['OPERATOR', 'TARGET', 'COMMAND', 'SINCE', 'BY', 'REASON'])
    const [operator, target, command, since, by, reason] = row ?? []
    expect([operator, target, command, by, reason]).toEqual([
      'charge',
      'key ada',
      'pause',
      'eve',
      'fraud check',
    ])
    expect(Date.parse(since ?? '')).toBeGreaterThan(0)
    const pairs: Pair[] = [
      ['ada', '5'],
      ['bob', '7'],
    ]
    expect(await run(pairs, { receipts: 1, parked: 1 })).toEqual(['bob'])
    const resume = () => control('resume', 'charge', '--key', 'ada')
    expect(await resume()).toMatchObject({ code: 0, stdout: 'charge, key ada: resumed\n' })
    expect(await resume()).toMatchObject({
      code: 0,
      stdout: 'charge, key ada: nothing was in effect, and nothing is changed\n',
    })
    expect((await control('list', '--format', 'json')).stdout).toBe('')
    expect(await run([], { receipts: 2, parked: 0 })).toEqual(['bob', 'ada'])
  })

  it('skips a parked record: the one behind it is called, and the history tells', async () => {
    const { run, control, directory } = await stage()
    const pairs: Pair[] = [
      ['ada', '5'],
      ['bob', '500'],
      ['bob', '7'],
    ]
    expect(await run(pairs, { receipts: 1, parked: 2 })).toEqual(['ada'])
    const skip = await control('skip', 'charge', 'charges-0-1', '--reason', 'typo', '--by', 'eve')
    expect(skip).toMatchObject({ code: 0, stdout: 'charge, record charges-0-1: skipped\n' })
    expect(await run([], { receipts: 2, parked: 0 })).toEqual(['ada', 'bob'])
    const letters = await runCli(['dlq', 'charges.ts', 'list', '--format', 'json'], { directory })
    expect(JSON.parse(letters.stdout)).toMatchObject({ id: 'charges-0-1', reason: 'skipped', key: 'bob' })
    expect((await control('list', '--format', 'json')).stdout).toBe('')
    const lines = (await control('history', '--format', 'json')).stdout.trim().split('\n')
    expect(lines.map(line => JSON.parse(line) as object)).toMatchObject([
      { target: { operator: 'charge', letter: 'charges-0-1' }, do: 'skip', by: 'eve', reason: 'typo' },
      {
        do: 'skip',
        by: 'eve',
        reason: 'typo',
        effect: { letter: 'charges-0-1', became: 'letter', task: '0_0' },
      },
    ])
    expect((await control('history', '--limit', '1')).stdout.split('\n')).toHaveLength(3)
  })

  it('an application that has not run, and a broker that it has to itself', async () => {
    const { run, control, directory } = await stage()
    const early = await control('pause', 'charge')
    expect(early.stderr).toContain('CONTROL_TOPIC_MISSING')
    expect(early.stderr).toContain('Start it once')
    expect(early.code).toBe(1)
    expect(await control('list')).toMatchObject({ code: 0 })
    await run([], NOTHING)
    const broker = await openBroker('embedded', { directory: join(directory, '.millrace', 'broker') })
    onTestFinished(() => broker.close())
    const locked = await control('pause', 'charge')
    expect(locked.stderr).toContain('BROKER_DIRECTORY_IN_USE')
    expect(locked.stderr).toContain('streams.control()')
  })

  it.each([
    [['charges.ts', 'pause'], 'pause needs an operator'],
    [['charges.ts', 'skip', 'charge'], 'the id of a record'],
    [['charges.ts', 'pause', 'chrage'], 'did you mean charge?'],
    [['charges.ts', 'pause', 'charge', 'charges-0-1'], 'pause takes no "charges-0-1"'],
    [['charges.ts', 'list', 'charge'], 'list takes no "charge"'],
    [['charges.ts', 'list', '--key', 'a'], 'this is list'],
    [['charges.ts', 'pause', 'charge', '--key', 'a', '--partition', '0'], 'give one of'],
    [['charges.ts', 'pause', 'charge', '--partition', 'x'], 'whole number'],
    [['charges.ts', 'pause', 'charge', '--partition', '7'], 'it has partition 0 only'],
    [['charges.ts', 'stop', 'charge'], 'Allowed choices are pause'],
    [['plain.ts', 'pause', 'charge'], 'no operator of plain has retry'],
  ])('refuses %j', async (args, message) => {
    const { directory, run } = await stage()
    if (args.includes('7')) await run([], NOTHING)
    const { code, stderr } = await runCli(['control', ...args], { directory })
    expect(stderr).toContain(message)
    expect(code).toBe(2)
  })
})
