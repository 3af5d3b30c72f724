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

  it.each([
    [['charges.ts', 'show'], 'LETTER_MISSING'],
    [['charges.ts', 'list', 'charges-0-1'], 'list takes no letter'],
    [['charges.ts', 'show', 'charges-0-99'], 'there is no letter charges-0-99'],
    [['charges.ts', 'list', '--operator', 'chrage'], 'did you mean charge?'],
    [['charges.ts', 'list', '--since', 'yesterday'], 'such as 30m, 2h or 7d'],
    [['charges.ts', 'replay'], 'Allowed choices are list, show'],
    [['plain.ts', 'list'], 'no operator of plain has retry'],
  ])('refuses %j', async (args, message) => {
    const directory = await directoryWith(FILES)
    await runCli(['topics', 'create', 'charges', '--partitions', '1'], { directory })
    const { code, stderr } = await runCli(['dlq', ...args], { directory })
    expect(stderr).toContain(message)
    expect(code).toBe(2)
  })

  it('an application that has not run has none', async () => {
    const directory = await directoryWith(FILES)
    await runCli(['topics', 'create', 'charges', '--partitions', '1'], { directory })
    const end = await runCli(['dlq', 'charges.ts', 'list', '--format', 'json'], { directory })
    expect(end).toMatchObject({ code: 0, stdout: '' })
  })
})
