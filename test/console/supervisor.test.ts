import { request as httpRequest } from 'node:http'
import { describe, expect, it } from 'vitest'
import { CliProcess, directoryWith, runCli } from '../cli/cli-process.ts'
import { eventually } from '../support/eventually.ts'

const FILE = `import { serdes, StreamsBuilder } from 'millrace'
const builder = new StreamsBuilder()
const text = { keySerde: serdes.string(), valueSerde: serdes.string() }
builder.stream('a', text).to('b', text)
export default builder.build()
export const about = { title: 'The first', description: 'From a to b.', problem: ['It copies.'] }
export const service = async (streams: any, context: any) => {
  const { url, close } = await context.serve({
    fetch: (request: Request) => new Response(new URL(request.url).pathname + ' of ' + streams.applicationId),
    upgrade: (_: unknown, stream: any) => stream.end('HTTP/1.1 101 Switching Protocols\\r\\nupgrade: x\\r\\nconnection: upgrade\\r\\n\\r\\nhello'),
  })
  return { url, [Symbol.asyncDispose]: close }
}
`
const COPY = FILE.replace(/export const about[\s\S]*/, '')
  .replace("'a'", "'c'")
  .replace("'b'", "'d'")

interface Site {
  readonly processes: readonly {
    readonly pid: number | null
    readonly state: string
    readonly restarts: number
    readonly lastEnd: { readonly killedBy: string | null } | null
  }[]
  readonly applications: readonly object[]
}

async function start(args: readonly string[] = [], env: { readonly [name: string]: string } = {}) {
  const directory = await directoryWith({ 'first.ts': FILE, 'second.ts': COPY })
  const run = ['run', 'first.ts', 'second.ts', '--console', ...args]
  const program = await CliProcess.start(run, { directory, env })
  const url = await eventually(() => /the console is on (http:\S+)/.exec(program.stderr)?.[1])
  const site = async () => (await (await fetch(`${url}/api/site`)).json()) as Site
  return { program, url, site, healthy: () => eventually(async () => (await fetch(`${url}/healthz`)).ok) }
}

describe('millrace run --console', () => {
  it('serves API and rooms on one port, starts again what was killed, says so meanwhile, and ends with all', async () => {
    const { program, url, site, healthy } = await start(['--console-faults'])
    await healthy()
    expect((await site()).applications).toMatchObject([
      {
        applicationId: 'first',
        title: 'The first',
        problem: ['It copies.'],
        room: 'rooms/first/',
        state: 'running',
      },
      { applicationId: 'second', room: null },
    ])
    const room = () => fetch(`${url}/rooms/first/x/y`)
    expect(await (await room()).text()).toBe('/x/y of first')
    expect(await upgraded(url, '/rooms/first/socket')).toBe('hello')
    expect((await fetch(`${url}/api/apps/second/plan`)).status).toBe(200)
    const events = await fetch(`${url}/api/site/events`)
    const reader = events.body!.getReader()
    const { pid } = (await site()).processes[0]!
    const kill = (body: object) =>
      fetch(`${url}/api/break/kill`, { method: 'POST', body: JSON.stringify(body) })
    expect((await kill({ process: 3 })).status).toBe(404)
    expect((await kill({ process: 0 })).status).toBe(202)
    await eventually(async () => {
      const answer = await fetch(`${url}/api/apps/first/plan`)
      return (
        answer.status === 503 &&
        ((await answer.json()) as { error: { code: string } }).error.code === 'RESTARTING'
      )
    })
    const after = await eventually(async () => {
      const [found] = (await site()).processes
      return found?.restarts === 1 && found.state === 'running' && found
    })
    expect(after).toMatchObject({ state: 'running', restarts: 1, lastEnd: { killedBy: 'SIGKILL' } })
    expect(after.pid).not.toBe(pid)
    await eventually(async () => (await room()).ok)
    let told = ''
    while (!told.includes('"restarting"')) told += Buffer.from((await reader.read()).value!).toString()
    await reader.cancel()
    const { code } = await program.stop()
    expect(code).toBe(0)
    expect(isAlive(after.pid!)).toBe(false)
  })

  it('stalls a process, answers meanwhile, and goes on with the same one', async () => {
    const { url, site, healthy } = await start(['--console-faults'])
    await healthy()
    const { pid } = (await site()).processes[0]!
    const stall = (body: object) =>
      fetch(`${url}/api/break/stall`, { method: 'POST', body: JSON.stringify(body) })
    expect((await stall({ process: 0, ms: 0 })).status).toBe(400)
    expect((await stall({ process: 3, ms: 1 })).status).toBe(404)
    expect((await stall({ process: 0, ms: 2_500 })).status).toBe(202)
    // The process may answer once before it is told.
    const answeredMeanwhile = await eventually(async () => {
      let isOver = false
      let answers = 0
      const startMs = performance.now()
      const room = fetch(`${url}/rooms/first/`).finally(() => (isOver = true))
      for (; !isOver; answers += 1) expect((await site()).processes).toHaveLength(1)
      expect((await room).ok).toBe(true)
      return performance.now() - startMs > 1_000 && answers
    })
    expect(answeredMeanwhile).toBeGreaterThan(1)
    await healthy()
    expect((await site()).processes).toMatchObject([{ pid, state: 'running', restarts: 0 }])
  })

  it('ends its process when it is killed itself', async () => {
    const { program, site, healthy } = await start()
    await healthy()
    const { pid } = (await site()).processes[0]!
    await program.stop('SIGKILL')
    await eventually(() => !isAlive(pid!))
  })

  it('guards itself: foreign names, foreign origins, faults that are off', async () => {
    const { url, healthy } = await start()
    await healthy()
    const { port } = new URL(url)
    expect(await status(url, { host: `evil.example:${port}` })).toBe(403)
    expect(await status(url, { host: `localhost:${port}` }, '/api/site')).toBe(200)
    const post = (headers: { [name: string]: string }) =>
      fetch(`${url}/api/break/kill`, { method: 'POST', headers, body: '{"process":0}' })
    expect((await post({ origin: 'http://evil.example' })).status).toBe(403)
    expect(await (await post({ origin: url })).json()).toMatchObject({ error: { code: 'FAULTS_OFF' } })
    expect((await fetch(`${url}/assets/..%2f..%2fpackage.json`)).status).toBe(404)
  })

  it('asks for its token, and takes it as bearer, or once in the address', async () => {
    const { url, healthy } = await start(['--console-token', 's3cret'], { HOST: '0.0.0.0' })
    await healthy()
    const local = url.replace('0.0.0.0', '127.0.0.1')
    const ask = (headers: { [name: string]: string }) => fetch(`${local}/api/site`, { headers })
    expect((await ask({})).status).toBe(401)
    expect((await ask({ authorization: 'Bearer wrong' })).status).toBe(401)
    expect((await ask({ authorization: 'Bearer s3cret' })).status).toBe(200)
    const signIn = await fetch(`${local}/?token=s3cret`, { redirect: 'manual' })
    expect(signIn.status).toBe(303)
    const cookie = signIn.headers.get('set-cookie')!
    expect(cookie).toMatch(/HttpOnly; SameSite=Strict/)
    expect(cookie).not.toContain('s3cret')
    expect((await ask({ cookie: cookie.split(';')[0]! })).status).toBe(200)
  })

  it.each([
    [['--console-faults'], {}, 2, 'CONSOLE_OFF'],
    [['--console', '--exit-when-idle'], {}, 2, 'CONSOLE_STAYS'],
    [['--console'], { HOST: '0.0.0.0' }, 2, 'TOKEN_NEEDED'],
    [['--console', '--set', 'commitIntervalMs=never'], {}, 2, 'PROCESS_USAGE'],
  ])('%j with %j ends with %i and %s', async (args, env, code, text) => {
    const directory = await directoryWith({ 'first.ts': FILE })
    const end = await runCli(['run', 'first.ts', ...args], { directory, env: env as Record<string, string> })
    expect(end.code).toBe(code)
    expect(end.stderr).toContain(text)
  })
})

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

/** With a header that `fetch` sets itself. */
function status(url: string, headers: { [name: string]: string }, path = '/'): Promise<number> {
  return new Promise((resolve, reject) => {
    httpRequest(`${url}${path}`, { headers }, answer => {
      answer.resume()
      resolve(answer.statusCode ?? 0)
    })
      .on('error', reject)
      .end()
  })
}

function upgraded(url: string, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    httpRequest(`${url}${path}`, { headers: { connection: 'upgrade', upgrade: 'x' } })
      .on('upgrade', (_, socket, head) => {
        let text = head.toString()
        socket.on('data', chunk => (text += String(chunk)))
        socket.on('end', () => resolve(text))
        socket.on('error', reject)
      })
      .on('error', reject)
      .end()
  })
}
