import { describe, expect, it } from 'vitest'
import { directoryWith, runCli } from './cli-process.ts'

const COPY = `import { serdes, StreamsBuilder } from 'millrace'
const builder = new StreamsBuilder()
const text = { keySerde: serdes.string(), valueSerde: serdes.string() }
builder.stream('in', text).to('out', text)
export default builder.build()
`

async function run(args: readonly string[], env: { readonly [name: string]: string }) {
  return runCli(args, { directory: await directoryWith({ 'copy.ts': COPY, 'client.properties': '' }), env })
}

const RUN = ['run', 'copy.ts', '--exit-when-idle', '--brokers', 'memory']

describe('the environment', () => {
  it.each([['run'], ['topics', 'list'], ['produce'], ['consume'], ['reset']])(
    '%s %s: --help shows it',
    async (...args) => {
      const { stdout } = await run([...args, '--help'], {})
      expect(stdout.replace(/\s+/g, ' ')).toContain('(default: "embedded", env: MILLRACE_BROKERS)')
      expect(stdout).toContain('MILLRACE_CLIENT_CONFIG')
    },
  )

  it('MILLRACE_BROKERS stands for --brokers, which goes before it', async () => {
    const env = { MILLRACE_BROKERS: 'nonsense' }
    const end = await run(['topics', 'list'], env)
    expect(end.stderr).toContain('brokers is "nonsense"')
    expect(end.code).toBe(2)
    expect((await run(RUN, env)).code).toBe(0)
  })

  it('MILLRACE_APPLICATION_ID names the application', async () => {
    const named = await run(RUN, { MILLRACE_APPLICATION_ID: 'from-outside' })
    expect(named.stderr).toContain('from-outside is running')
    const args = [...RUN, '--application-id', 'own']
    expect((await run(args, { MILLRACE_APPLICATION_ID: 'from-outside' })).stderr).toContain('own is running')
  })

  it('MILLRACE_APPLICATION_ID is refused by its name for several files', async () => {
    const end = await run(['run', 'copy.ts', 'copy.ts'], { MILLRACE_APPLICATION_ID: 'x' })
    expect(end.stderr).toContain('ONE_FILE_ONLY: MILLRACE_APPLICATION_ID is for one application')
    expect(end.code).toBe(2)
  })

  it('MILLRACE_CLIENT_CONFIG is read for a cluster, and left out without one', async () => {
    const env = { MILLRACE_CLIENT_CONFIG: 'none.properties' }
    const cluster = await run(['topics', 'list', '--brokers', 'h:1'], env)
    expect(cluster.stderr).toContain('CLIENT_CONFIG_UNREADABLE: --client-config: ENOENT')
    expect(cluster.code).toBe(2)
    expect((await run(RUN, env)).code).toBe(0)
    // On the command line it is a mistake even so.
    const told = await run([...RUN, '--client-config', 'client.properties'], env)
    expect(told.stderr).toContain('CLIENT_CONFIG_UNUSED')
  })

  it('an empty variable is none', async () => {
    const env = { MILLRACE_BROKERS: '', MILLRACE_CLIENT_CONFIG: '', MILLRACE_APPLICATION_ID: '' }
    const end = await run(['topics', 'list'], env)
    expect(end.stderr).toContain('EMBEDDED_BROKER_MISSING')
    expect((await run(RUN, env)).stderr).toContain('copy is running')
  })
})
