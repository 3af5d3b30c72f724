import { describe, expect, it } from 'vitest'
import { openBroker } from '../../lib/broker/open/open-broker.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import { utf8 } from '../../lib/common/bytes.ts'
import { CliProcess, directoryWith, runCli } from './cli-process.ts'

/** 2026-01-31T12:00Z. */
const NOON = 1_769_860_800_000

/** A topic of two partitions; in partition 0, n records a minute apart, in partition 1 one record. */
async function withRecords(count = 3): Promise<string> {
  const directory = await directoryWith({})
  await runCli(['topics', 'create', 'things', '--partitions', '2'], { directory })
  const broker = await openBroker('embedded', { directory: `${directory}/.millrace/broker` })
  const topic = broker.topic('things', { keySerde: serdes.string(), valueSerde: serdes.string() })
  const header = { key: 'from', value: utf8('test') }
  for (let index = 0; index < count; index += 1) {
    const options = { partition: 0, timestamp: NOON + index * 60_000, headers: [header] }
    await topic.send(`k${index}`, `v${index}`, options)
  }
  await topic.send('other', null, { partition: 1, timestamp: NOON })
  await broker.close()
  return directory
}

interface Line {
  readonly partition: number
  readonly offset: number
  readonly value: string | null
}

function linesOf(stdout: string): Line[] {
  const lines = stdout.split('\n').filter(line => line !== '')
  return lines.map(line => JSON.parse(line) as Line).sort((left, right) => left.partition - right.partition)
}

const valuesOf = (stdout: string) => linesOf(stdout).map(({ value }) => value)

describe('millrace consume', () => {
  it('prints JSON lines of what is there, and ends', async () => {
    const end = await runCli(['consume', 'things'], { directory: await withRecords(1) })
    expect(end).toMatchObject({ code: 0, stderr: '' })
    expect(linesOf(end.stdout)).toEqual([
      {
        topic: 'things',
        partition: 0,
        offset: 0,
        timestamp: NOON,
        key: 'k0',
        value: 'v0',
        headers: [{ key: 'from', value: 'test' }],
      },
      { topic: 'things', partition: 1, offset: 0, timestamp: NOON, key: 'other', value: null, headers: [] },
    ])
  })

  it('reads the part that is asked for', async () => {
    const directory = await withRecords()
    const values = async (...args: string[]) =>
      valuesOf((await runCli(['consume', 'things', ...args], { directory })).stdout)
    expect(await values()).toEqual(['v0', 'v1', 'v2', null])
    expect(await values('--partition', '1')).toEqual([null])
    expect(await values('--partition', '0', '--from', '1')).toEqual(['v1', 'v2'])
    expect(await values('--partition', '0', '--from', '1', '--to', '2')).toEqual(['v1'])
    expect(await values('--partition', '0', '--to', '1')).toEqual(['v0'])
    expect(await values('--partition', '0', '--to', 'end', '--max', '2')).toEqual(['v0', 'v1'])
    expect(await values('--from', '2026-01-31T12:01')).toEqual(['v1', 'v2'])
    expect(await values('--from', '2026-01-31T13:01:30+01:00')).toEqual(['v2'])
    expect(await values('--from', '2026-02-01')).toEqual([])
  })

  it('table: columns with times; text: key, tab, value', async () => {
    const directory = await withRecords(1)
    const print = async (format: string) =>
      (await runCli(['consume', 'things', '--partition', '0', '--format', format], { directory })).stdout
    expect(await print('table')).toBe(
      'PARTITION  OFFSET      TIME                      KEY                   VALUE\n' +
        '0          0           2026-01-31T12:00:00.000Z  k0                    v0\n',
    )
    expect(await print('text')).toBe('k0\tv0\n')
  })

  it('a record that does not fit its serde: what precedes it is printed, and the mend is said', async () => {
    const directory = await withRecords(0)
    const produce = (value: string) =>
      runCli(['produce', 'things', '--key-separator', '|'], { directory, input: `k|${value}\n` })
    await produce('1')
    await produce('{')
    const { stdout } = await runCli(['consume', 'things'], { directory })
    const [{ partition }] = linesOf(stdout).filter(({ value }) => value === '1') as [Line]
    const args = ['consume', 'things', '--partition', `${partition}`, '--value-serde', 'json']
    const end = await runCli(args, { directory })
    expect(end.code).toBe(1)
    expect(valuesOf(end.stdout).at(-1)).toBe(1)
    expect(end.stderr).toContain('error: RECORD_UNREADABLE: the value at offset ')
    expect(end.stderr).toContain(`of things-${partition} is not json`)
    expect(end.stderr).toContain('--value-serde bytes prints it as it is')
  })

  it('--follow waits, until SIGINT', async () => {
    const cli = await CliProcess.start(['consume', 'things', '--follow'], { directory: await withRecords(1) })
    await cli.printed('"v0"')
    await cli.printed('"other"')
    const end = await cli.stop('SIGINT')
    expect(end.code).toBe(0)
    expect(end.stderr).toBe('info  SIGINT: closing; once more to end at once\n')
  })

  it('a reader that has seen enough is no failure', async () => {
    const directory = await withRecords(2)
    const cli = await CliProcess.start(['consume', 'things', '--follow'], { directory })
    cli.child.stdout?.destroy()
    const end = await cli.end
    expect(end).toMatchObject({ code: 0, stderr: '' })
  })

  it.each([
    { args: ['--follow', '--to', 'end'], says: 'CONFLICTING_OPTIONS: --follow has no end' },
    { args: ['--from', 'end'], says: 'NOTHING_TO_READ: --from end' },
    { args: ['--from', 'noon'], says: 'It must be beginning, end, an offset, or a time' },
    { args: ['--to', '-1'], says: 'It must be end or an offset' },
    { args: ['--from', '1'], says: 'PARTITION_MISSING: topic things has 2 partitions' },
    {
      args: ['--partition', '2'],
      says: 'UNKNOWN_PARTITION: --partition 2: topic things has partitions 0 to 1',
    },
    { args: ['--partition', '0', '--from', '9'], says: 'OFFSET_OUT_OF_RANGE: --from 9: things-0 ends at 3' },
    { args: ['--value-serde', 'xml'], says: 'Allowed choices are string, json, int32, int64, double, bytes' },
    { args: ['--format', 'csv'], says: 'Allowed choices are json, table, text' },
  ])('wrong usage, exit code 2: $args', async ({ args, says }) => {
    const end = await runCli(['consume', 'things', ...args], { directory: await withRecords() })
    expect(end.stderr).toContain(says)
    expect(end).toMatchObject({ code: 2, stdout: '' })
  })
})
