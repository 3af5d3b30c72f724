import { describe, expect, it } from 'vitest'
import { directoryWith, runCli } from './cli-process.ts'

const FILES = {
  'charges.ts': `
import { fixedBackoff, NonRetriableError, serdes, StreamsBuilder } from 'millrace'
const builder = new StreamsBuilder()
builder
  .stream<string, { amount: number }>('charges', { keySerde: serdes.string(), valueSerde: serdes.json() })
  .mapValuesAsync(
    async ({ amount }, user) => {
      if (user === 'stolen') throw new NonRetriableError('card is stolen')
      if (amount > 100) throw new RangeError('limit exceeded')
      return amount
    },
    { name: 'charge', retry: { backoff: fixedBackoff({ delayMs: 1 }), attempts: 2 } },
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
  'charges.txt': 'ada\t{"amount":5}\nstolen\t{"amount":7}\nbob\t{"amount":500}\n',
}

async function withLetters(): Promise<string> {
  const directory = await directoryWith(FILES)
  const run = [
    'run',
    'charges.ts',
    '--input',
    'charges=charges.txt',
    '--input-key-separator',
    '\t',
    '--exit-when-idle',
  ]
  expect(await runCli(run, { directory })).toMatchObject({ code: 0 })
  return directory
}

describe('millrace dlq', () => {
  it('lists letters with keys by the serdes of their topic, and shows all of one', async () => {
    const directory = await withLetters()
    const dlq = async (...args: string[]) => runCli(['dlq', 'charges.ts', ...args], { directory })
    const listed = (await dlq('list')).stdout.split('\n').map(line => line.split(/ {2,}/))
    expect(listed[0]).toEqual(['OPERATOR', 'ID', 'KEY', 'REASON', 'ATTEMPTS', 'GIVEN UP', 'ERROR'])
    const rows = listed
      .slice(1, -1)
      .map(([operator, id, key, reason, attempts, , error]) => [operator, id, key, reason, attempts, error])
    expect(rows.sort()).toEqual([
      ['charge', 'charges-0-1', 'stolen', 'non-retriable', '1', 'NonRetriableError: card is stolen'],
      ['charge', 'charges-0-2', 'bob', 'gave-up', '2', 'RangeError: limit exceeded'],
    ])
    expect(JSON.parse((await dlq('show', 'charges-0-2')).stdout)).toMatchObject({
      id: 'charges-0-2',
      operator: 'charge',
      reason: 'gave-up',
      attempts: 2,
      lastError: { name: 'RangeError', message: 'limit exceeded' },
      topic: 'charges',
      key: 'bob',
      value: { amount: 500 },
    })
  })

  it('finds letters by key, error, reason, operator and age', async () => {
    const directory = await withLetters()
    const ids = async (...args: string[]) => {
      const { stdout } = await runCli(['dlq', 'charges.ts', 'list', '--format', 'json', ...args], {
        directory,
      })
      const lines = stdout.split('\n').filter(line => line !== '')
      return lines.map(line => (JSON.parse(line) as { id: string }).id).sort()
    }
    expect(await ids()).toEqual(['charges-0-1', 'charges-0-2'])
    expect(await ids('--key', 'bob')).toEqual(['charges-0-2'])
    expect(await ids('--error', 'NonRetriableError')).toEqual(['charges-0-1'])
    expect(await ids('--error', 'exceeded')).toEqual(['charges-0-2'])
    expect(await ids('--reason', 'non-retriable')).toEqual(['charges-0-1'])
    expect(await ids('--operator', 'charge', '--since', '1h')).toEqual(['charges-0-1', 'charges-0-2'])
    expect(await ids('--since', '2100-01-01')).toEqual([])
  })

  it('replays and purges letters: dry first, then once, each telling what it did', async () => {
    const directory = await withLetters()
    const dlq = async (...args: string[]) =>
      (await runCli(['dlq', 'charges.ts', ...args], { directory })).stdout
    expect(await dlq('replay', '--key', 'bob', '--dry-run')).toMatch(
      /charges-0-2 .*\n1 letter would be replayed; nothing is changed\n$/,
    )
    expect(await dlq('replay', 'charges-0-2')).toBe('1 letter replayed\n')
    expect(await dlq('replay', '--key', 'bob')).toBe(
      '0 letters replayed; 1 left alone, since they were replayed or purged before (--force takes them too)\n',
    )
    const letters = async (...args: string[]) =>
      (await dlq('list', '--format', 'json', ...args))
        .split('\n')
        .filter(line => line !== '')
        .map(line => JSON.parse(line) as { id: string; state: string; replayed?: { by: string } })
    expect((await letters()).map(({ id }) => id)).toEqual(['charges-0-1'])
    const [, replayed] = await letters('--all')
    expect(replayed).toMatchObject({ id: 'charges-0-2', state: 'replayed' })
    expect(replayed?.replayed?.by).toMatch(/@/)
    expect(await dlq('list', '--all')).toContain('(replayed) RangeError')
    // The next run takes it, and gives it up once more: that is another letter.
    expect(await runCli(['run', 'charges.ts', '--exit-when-idle'], { directory })).toMatchObject({ code: 0 })
    expect((await letters()).map(({ id }) => id)).toEqual(['charges-0-1', 'charges-0-2'])
    expect(await dlq('purge', '--before', '0s')).toBe('2 letters purged\n')
    expect(await letters('--all')).toEqual([])
  })

  it('goes by the application alone, and knows operators that the topology has not any more', async () => {
    const directory = await withLetters()
    const alone = await runCli(['dlq', 'list', '--application-id', 'charges', '--format', 'json'], {
      directory,
    })
    const keys = alone.stdout
      .split('\n')
      .filter(line => line !== '')
      .map(line => (JSON.parse(line) as { key: string }).key)
    expect(keys.sort()).toEqual(['bob', 'stolen'])
    const gone = (...args: string[]) =>
      runCli(['dlq', 'plain.ts', ...args, '--application-id', 'charges'], { directory })
    expect((await gone('list')).stdout).toContain('charges-0-1')
    const { code, stderr } = await gone('replay', '--operator', 'charge')
    expect(stderr).toContain('OPERATOR_GONE')
    expect(code).toBe(2)
    expect((await gone('purge', '--operator', 'charge')).stdout).toBe('2 letters purged\n')
  })

  it('a run ends when idle though a key is given up whole', async () => {
    const whole = FILES['charges.ts'].replace('attempts: 2', "attempts: 2, onGiveUp: 'key'")
    const directory = await directoryWith({ ...FILES, 'charges.ts': whole })
    const run = ['run', 'charges.ts', '--input', 'charges=charges.txt', '--input-key-separator', '\t']
    expect(await runCli([...run, '--exit-when-idle'], { directory })).toMatchObject({ code: 0 })
    expect(await runCli([...run, '--exit-when-idle'], { directory })).toMatchObject({ code: 0 })
    const { stdout } = await runCli(['dlq', 'charges.ts', 'list', '--reason', 'behind', '--format', 'json'], {
      directory,
    })
    expect(stdout.split('\n').filter(line => line !== '')).toHaveLength(2)
  })

  it.each([
    [['charges.ts', 'show'], 'LETTER_MISSING'],
    [['charges.ts'], 'what is to be done is missing'],
    [['list'], 'which application?'],
    [['charges.ts', 'purge'], 'purge without a choice would do away with every letter'],
    [['charges.ts', 'list', '--force'], '--force is for replay and purge, and this is list'],
    [['charges.ts', 'purge', '--before', '1d', '--now'], '--now is for replay, and this is purge'],
    [['list', '--application-id', 'other'], 'no topic other-…-dlq is there'],
    [['charges.ts', 'show', 'charges-0-99'], 'there is no letter charges-0-99'],
    [['charges.ts', 'list', '--operator', 'chrage'], 'did you mean charge?'],
    [['charges.ts', 'list', '--since', 'yesterday'], 'such as 30m, 2h or 7d'],
    [['charges.ts', 'resend'], '"resend" is no action: millrace dlq FILE list|show|replay|purge'],
    [['charges.ts', 'replay', 'charges-0-99'], '1 of the letters to replay are not there'],
    [['plain.ts', 'list'], 'no operator of plain has retry'],
  ])('refuses %j', async (args, message) => {
    const directory = await directoryWith(FILES)
    await runCli(['topics', 'create', 'charges', '--partitions', '1'], { directory })
    const { code, stderr, stdout } = await runCli(['dlq', ...args], { directory })
    expect(stderr).toContain(message)
    expect(stdout).not.toContain('OPERATOR')
    expect(code).toBe(2)
  })

  it('an application that has not run has none', async () => {
    const directory = await directoryWith(FILES)
    await runCli(['topics', 'create', 'charges', '--partitions', '1'], { directory })
    const end = await runCli(['dlq', 'charges.ts', 'list', '--format', 'json'], { directory })
    expect(end).toMatchObject({ code: 0, stdout: '' })
  })
})
