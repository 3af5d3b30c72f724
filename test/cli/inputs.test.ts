import { describe, expect, it } from 'vitest'
import { collectInputs } from '../../lib/cli/options/option-values.ts'
import { directoryWith, runCli } from './cli-process.ts'

const MERGE = `import { serdes, StreamsBuilder } from 'millrace'
const builder = new StreamsBuilder()
const strings = { keySerde: serdes.string(), valueSerde: serdes.string() }
builder.stream(['users', 'clicks', 'notes'], strings).to('all', strings)
export default builder.build()
`

describe('--input', () => {
  it.each([
    ['users=users.txt', { name: 'users', value: 'users.txt' }],
    ['users=-,key=|', { name: 'users', value: '-', keySeparator: '|' }],
    ['users=a=b.txt,key==', { name: 'users', value: 'a=b.txt', keySeparator: '=' }],
    ['users=a,b.csv,key=,', { name: 'users', value: 'a,b.csv', keySeparator: ',' }],
  ])('%s', (text, input) => {
    expect(collectInputs(text)).toEqual([input])
  })

  it('keys each input by its own separator, and the others by that of all', async () => {
    const directory = await directoryWith({
      'merge.ts': MERGE,
      'users.txt': 'u:1|ann\n',
      'clicks.csv': 'c,/home\n',
      'notes.txt': 'n:x|y,z\n',
    })
    const inputs = ['users=users.txt,key=|', 'clicks=clicks.csv,key=,', 'notes=notes.txt']
    const args = inputs.flatMap(input => ['--input', input])
    const end = await runCli(
      ['run', 'merge.ts', '--brokers', 'memory', '--print', 'all', '--exit-when-idle', ...args].concat([
        '--input-key-separator',
        ':',
      ]),
      { directory },
    )
    expect(end.code).toBe(0)
    expect(end.stdout.trimEnd().split('\n').sort()).toEqual(['c\t/home', 'n\tx|y,z', 'u:1\tann'])
  })

  it('names the option of the separator that a line lacks', async () => {
    const directory = await directoryWith({ 'merge.ts': MERGE, 'users.txt': 'ann\n' })
    const args = ['run', 'merge.ts', '--brokers', 'memory', '--input', 'users=users.txt,key=|']
    const end = await runCli(args, { directory })
    expect(end.stderr).toContain('line 1 of users.txt has no "|" to end its key (--input users=…,key=)')
    expect(end.code).toBe(1)
  })

  it('a key without a separator: exit code 2', async () => {
    const directory = await directoryWith({ 'merge.ts': MERGE })
    const end = await runCli(['run', 'merge.ts', '--input', 'users=users.txt,key='], { directory })
    expect(end.stderr).toContain('A separator must come after ",key="')
    expect(end.code).toBe(2)
  })
})
