import { describe, expect, it } from 'vitest'
import { CliProcess, directoryWith, runCli } from './cli-process.ts'

async function withTopic(files: { readonly [name: string]: string } = {}, partitions = '1'): Promise<string> {
  const directory = await directoryWith(files)
  await runCli(['topics', 'create', 'things', '--partitions', partitions], { directory })
  return directory
}

async function records(directory: string, ...args: string[]): Promise<{ key: unknown; value: unknown }[]> {
  const { stdout } = await runCli(['consume', 'things', ...args], { directory })
  const lines = stdout.split('\n').filter(line => line !== '')
  return lines.map(line => JSON.parse(line) as { key: unknown; value: unknown })
}

describe('millrace produce', () => {
  it('writes the lines of a file, and prints how many are acknowledged', async () => {
    const directory = await withTopic({ 'lines.txt': 'one\n\nthree' }, '2')
    const end = await runCli(['produce', 'things', '--file', 'lines.txt'], { directory })
    expect(end).toEqual({ code: 0, stdout: '3\n', stderr: '' })
    const read = await records(directory)
    expect(read.map(({ value }) => value).sort()).toEqual(['', 'one', 'three'])
    expect(read.map(({ key }) => key)).toEqual([null, null, null])
  })

  it.each([
    ['string', 'a|b', 'b'],
    ['json', 'a|{"n":[1,null]}', { n: [1, null] }],
    ['json', 'a|null', null],
    ['int32', 'a|-7', -7],
    ['int64', 'a|9223372036854775807', '9223372036854775807'],
    ['int64', 'a|12', 12],
    ['double', 'a|1.5e3', 1500],
    ['double', 'a|NaN', 'NaN'],
    ['bytes', 'a|AP8=', 'AP8='],
  ])('from standard input, with keys and values as %s: %s', async (serde, line, value) => {
    const directory = await withTopic()
    const args = ['produce', 'things', '--key-separator', '|', '--value-serde', serde]
    const end = await runCli(args, { directory, input: `${line}\n` })
    expect(end).toEqual({ code: 0, stdout: '1\n', stderr: '' })
    expect(await records(directory, '--value-serde', serde)).toMatchObject([{ key: 'a', value }])
  })

  it.each([
    ['json', '{', 'INPUT_INVALID: line 2 of standard input cannot be written: not JSON'],
    [
      'int32',
      '1.5',
      'INPUT_INVALID: line 2 of standard input cannot be written: "1.5" is not a whole number',
    ],
    ['int32', '3000000000', 'INPUT_INVALID: line 2 of standard input cannot be written: '],
    ['int64', '9223372036854775808', 'INPUT_INVALID: line 2 of standard input cannot be written: '],
    ['double', '', 'INPUT_INVALID: line 2 of standard input cannot be written: "" is not a number'],
  ])('a line that is no %s ends it, with the lines before it written: %s', async (serde, line, says) => {
    const directory = await withTopic()
    const args = ['produce', 'things', '--value-serde', serde]
    const end = await runCli(args, { directory, input: `1\n${line}\n2\n` })
    expect(end.stderr).toContain(`error: ${says}`)
    expect(end.stderr).toContain('; the 1 before are written')
    expect(end).toMatchObject({ code: 1, stdout: '' })
    expect(await records(directory, '--value-serde', serde)).toMatchObject([{ value: 1 }])
  })

  it('null as JSON is a tombstone, not the text of it', async () => {
    const directory = await withTopic()
    const args = ['produce', 'things', '--key-separator', '|', '--value-serde', 'json']
    await runCli(args, { directory, input: 'a|null\na|"null"\n' })
    expect(await records(directory)).toMatchObject([{ value: null }, { value: '"null"' }])
  })

  it('a line that is no base64, and one without a separator', async () => {
    const directory = await withTopic()
    const produce = (...args: string[]) =>
      runCli(['produce', 'things', ...args], { directory, input: '%%\n' })
    expect((await produce('--value-serde', 'bytes')).stderr).toContain(
      '"%%" is not base64; nothing is written',
    )
    expect((await produce('--key-separator', '|')).stderr).toContain(
      'INPUT_WITHOUT_KEY: line 1 of standard input has no "|" to end its key (--key-separator); nothing is written',
    )
    expect(await records(directory)).toEqual([])
  })

  it('a file that is not there, before anything is opened', async () => {
    const end = await runCli(['produce', 'things', '--file', 'none'], { directory: await directoryWith({}) })
    expect(end.stderr).toContain('INPUT_UNREADABLE: --file: ENOENT')
    expect(end.code).toBe(1)
  })

  it('SIGINT: what was read is written and counted', async () => {
    const directory = await withTopic()
    const cli = await CliProcess.start(['produce', 'things', '--log-level', 'debug'], { directory })
    cli.child.stdin?.write('a\nb\n')
    await cli.logged('reading standard input')
    const end = await cli.stop('SIGINT')
    expect(end.code).toBe(0)
    const count = Number(end.stdout)
    expect(await records(directory)).toHaveLength(count)
    expect(end.stderr).toContain(`ended after line ${count}`)
  })
})
