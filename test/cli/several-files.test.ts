import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { ROOT } from './built-cli.ts'
import { CliProcess, directoryWith, runCli } from './cli-process.ts'

const SERVICE = `export const service = async (streams: any, { port }: any) => {
  const { createServer } = await import('node:http')
  const server = createServer((_, response) => response.end(streams.applicationId))
  await new Promise<void>(resolve => server.listen(port, '127.0.0.1', resolve))
  return {
    url: 'http://127.0.0.1:' + (server.address() as any).port,
    async [Symbol.asyncDispose]() { server.closeAllConnections(); server.close() },
  }
}
`
const copy = (from: string, to: string) => `import { serdes, StreamsBuilder } from 'millrace'
const builder = new StreamsBuilder()
const text = { keySerde: serdes.string(), valueSerde: serdes.string() }
builder.stream('${from}', text).to('${to}', text)
export default builder.build()
`
const FILES = {
  'first.ts': `${copy('a', 'b')}export const about = { title: 'The <first>', description: 'From a to b.' }\n${SERVICE}`,
  'second.ts': copy('c', 'd') + SERVICE,
}

interface Overview {
  readonly applications: readonly { applicationId: string; state: string; url?: string }[]
}

/** Where the overview is, as the program says. */
async function overviewOf(process: CliProcess): Promise<string> {
  return eventually(() => /all applications on (http:\S+)/.exec(process.stderr)?.[1])
}

async function allRunning(url: string): Promise<Overview> {
  return eventually(async () => {
    const response = await fetch(`${url}/healthz`)
    const overview = (await response.json()) as Overview
    return response.ok && overview.applications.every(({ url: link }) => link) ? overview : undefined
  })
}

/** The first of `count` free ports in a row. */
async function freePorts(count: number): Promise<number> {
  for (;;) {
    const servers = Array.from({ length: count }, () => createServer())
    const listen = (at: number, port: number) =>
      new Promise<number>((resolve, reject) => {
        servers[at]!.once('error', reject)
        servers[at]!.listen(port, '127.0.0.1', () => resolve((servers[at]!.address() as AddressInfo).port))
      })
    try {
      const first = await listen(0, 0)
      for (let at = 1; at < count; at += 1) await listen(at, first + at)
      return first
    } catch {
      // Somebody has one of them: look elsewhere.
    } finally {
      for (const server of servers) server.close()
    }
  }
}

describe('several files', () => {
  it('run in one process on one broker, with an overview before their services; SIGTERM ends all', async () => {
    const directory = await directoryWith(FILES)
    const port = await freePorts(3)
    const env = { PORT: String(port) }
    const process = await CliProcess.start(['run', 'first.ts', 'second.ts', '--brokers', 'memory'], {
      directory,
      env,
    })
    const url = await overviewOf(process)
    expect(url).toBe(`http://127.0.0.1:${port}`)
    const { applications } = await allRunning(`http://localhost:${port}`)
    expect(applications).toMatchObject([
      {
        applicationId: 'first',
        title: 'The <first>',
        state: 'running',
        url: `http://localhost:${port + 1}/`,
      },
      { applicationId: 'second', title: 'second', state: 'running', url: `http://localhost:${port + 2}/` },
    ])
    for (const { applicationId, url: link } of applications) {
      expect(await (await fetch(link!)).text()).toBe(applicationId)
    }
    const page = await (await fetch(url)).text()
    expect(page).toContain(`<a href="http://127.0.0.1:${port + 1}/">The &#60;first&#62;</a>`)
    expect((await fetch(`${url}/nothing`)).status).toBe(404)
    const end = await process.stop()
    expect(end.code).toBe(0)
    expect(end.stderr).not.toContain('does not end')
  })

  it('npm start shows a room for each of the patterns', async () => {
    const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
      scripts: { readonly start: string }
    }
    const [node, main, ...args] = scripts.start.split(' ')
    expect([node, main]).toEqual(['node', 'dist/cli/main.js'])
    const files = args.map(argument => (argument.endsWith('.ts') ? join(ROOT, argument) : argument))
    const directory = await directoryWith({})
    const process = await CliProcess.start(files, { directory })
    const site = await eventually(() => /the console is on (http:\S+)/.exec(process.stderr)?.[1])
    const { applications } = await allRunning(site)
    expect(applications.map(({ applicationId }) => applicationId)).toEqual([
      'contacts-import',
      'site-apps',
      'countries',
      'renewals',
      'checkout',
    ])
    for (const { url } of applications) {
      // An application runs before its service is up.
      const page = await eventually(async () => {
        const answer = await fetch(new URL(url!, `${site}/`))
        return answer.ok && answer
      })
      expect(page.headers.get('content-type')).toContain('text/html')
      expect(await page.text()).toContain('<h1>')
    }
    expect((await process.stop()).code).toBe(0)
  })

  it.each([
    [['--application-id', 'x'], 'ONE_FILE_ONLY: --application-id is for one application'],
    [['--print', 'b'], 'ONE_FILE_ONLY: --print'],
    [['--exit-when-idle'], 'ONE_FILE_ONLY: --exit-when-idle'],
  ])('%j: refused', async (options, says) => {
    const directory = await directoryWith(FILES)
    const end = await runCli(['run', 'first.ts', 'second.ts', '--brokers', 'memory', ...options], {
      directory,
    })
    expect(end.stderr).toContain(says)
    expect(end.code).toBe(2)
  })

  it('the same file twice: refused', async () => {
    const directory = await directoryWith(FILES)
    const twice = await runCli(['run', 'first.ts', 'first.ts', '--brokers', 'memory'], { directory })
    expect(twice.stderr).toContain('APPLICATION_TWICE: two of the files are the application "first"')
    expect(twice.code).toBe(2)
  })

  it('a port without room for all: refused', async () => {
    const directory = await directoryWith(FILES)
    const env = { PORT: '65534' }
    const high = await runCli(['run', 'first.ts', 'second.ts', '--brokers', 'memory'], { directory, env })
    expect(high.stderr).toContain('INVALID_PORT: PORT is 65534')
    expect(high.code).toBe(2)
  })

  it('one that cannot start ends all, with 1, and its reason', async () => {
    const broken = `${copy('c', 'd')}export const service = async () => { throw new Error('no luck') }\n`
    const directory = await directoryWith({ ...FILES, 'second.ts': broken })
    const end = await runCli(['run', 'first.ts', 'second.ts', '--brokers', 'memory'], { directory })
    expect(end.stderr).toContain('no luck')
    expect(end.code).toBe(1)
  })
})
