import { describe, expect, it } from 'vitest'
import { directoryWith, runCli } from './cli-process.ts'

interface Described {
  readonly topic: string
  readonly topicId: string
  readonly partitions: readonly {
    readonly partition: number
    readonly beginning: number
    readonly end: number
  }[]
  readonly settings: { readonly [name: string]: string }
}

describe('millrace topics, on an embedded broker', () => {
  it('creates, lists, describes and deletes', async () => {
    const directory = await directoryWith({ 'lines.txt': 'a\nb\nc\n' })
    const topics = (...args: string[]) => runCli(['topics', ...args], { directory })
    expect(await topics('create', 'lines', '--partitions', '2', '--set', 'retention.ms=5000')).toEqual({
      code: 0,
      stdout: 'topic lines created with 2 partitions\n',
      stderr: '',
    })
    const created = await topics('create', 'other', '--partitions', '1', '--json')
    expect(JSON.parse(created.stdout)).toEqual({ topic: 'other', partitionCount: 1, config: {} })
    expect((await topics('list')).stdout).toBe('lines\nother\n')
    expect((await topics('list', '--json')).stdout).toBe('["lines","other"]\n')
    await runCli(['produce', 'lines', '--file', 'lines.txt'], { directory })

    const described = await topics('describe', 'lines', 'other', '--json')
    const [lines, other] = JSON.parse(described.stdout) as [Described, Described]
    expect(lines.partitions).toEqual([
      { partition: 0, beginning: 0, end: 2 },
      { partition: 1, beginning: 0, end: 1 },
    ])
    expect(lines.settings).toMatchObject({ 'retention.ms': '5000', 'cleanup.policy': 'delete' })
    expect(other.topic).toBe('other')
    const text = (await topics('describe', 'lines')).stdout
    expect(text).toContain(`lines  id ${lines.topicId}\n`)
    expect(text).toContain('retention.ms=5000\n')
    expect(text).toContain('PARTITION  BEGINNING  END\n0          0          2\n1          0          1\n')

    const unconfirmed = await topics('delete', 'lines')
    expect(unconfirmed).toMatchObject({ code: 2, stdout: '' })
    expect(unconfirmed.stderr).toContain(
      'NOT_CONFIRMED: this would delete lines (partitions: 2, offsets: 3); add --yes',
    )
    expect((await topics('list')).stdout).toBe('lines\nother\n')
    expect(await topics('delete', 'lines', '--yes')).toMatchObject({
      code: 0,
      stdout: 'topic lines deleted\n',
    })
    expect((await topics('list')).stdout).toBe('other\n')
  })

  it('a topic that exists: exit code 1', async () => {
    const directory = await directoryWith({})
    const create = ['topics', 'create', 'orders', '--partitions', '1']
    await runCli(create, { directory })
    const again = await runCli(create, { directory })
    expect(again.stderr).toContain('error: TOPIC_ALREADY_EXISTS: topic "orders" exists already')
    expect(again).toMatchObject({ code: 1, stdout: '' })
  })

  it.each([
    ['topics', 'describe', 'order'],
    ['topics', 'delete', 'order', '--yes'],
    ['produce', 'order'],
    ['consume', 'order'],
  ])('%s %s: an unknown topic is refused with the nearest name', async (...args) => {
    const directory = await directoryWith({})
    await runCli(['topics', 'create', 'orders', '--partitions', '1'], { directory })
    const end = await runCli(args, { directory, input: 'a line\n' })
    expect(end.stderr).toContain(
      'error: UNKNOWN_TOPIC: there is no topic order at embedded; did you mean orders?',
    )
    expect(end).toMatchObject({ code: 2, stdout: '' })
    expect((await runCli(['topics', 'list'], { directory })).stdout).toBe('orders\n')
  })

  it.each([
    { args: ['list'], says: 'EMBEDDED_BROKER_MISSING: there is no embedded broker at .millrace/broker' },
    { args: ['list', '--brokers', 'memory'], says: 'BROKER_IN_MEMORY' },
    { args: ['create', 'a'], says: "required option '--partitions <n>' not specified" },
    { args: ['create', 'a', '--partitions', '0'], says: 'It must be a whole number of at least 1' },
    {
      args: ['create', 'a', '--partitions', '1', '--replication-factor', '2'],
      says: 'REPLICATION_FACTOR_UNUSED',
    },
    { args: ['create', 'a', '--partitions', '1', '--set', 'x'], says: 'It must have the form NAME=VALUE' },
    { args: ['fly'], says: "unknown command 'fly'" },
    { args: [], says: 'Usage: millrace topics' },
  ])('wrong usage, exit code 2: $args', async ({ args, says }) => {
    const end = await runCli(['topics', ...args], { directory: await directoryWith({}) })
    expect(end.stderr).toContain(says)
    expect(end).toMatchObject({ code: 2, stdout: '' })
  })
})
