import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll } from 'vitest'
import { eventually } from './eventually.ts'

/** Where Debian keeps its versions, which are not on the path. */
const DEBIAN = '/usr/lib/postgresql'

/** Why there is no server to be had on this machine, or undefined. */
export function missingPostgres(): string | undefined {
  if (!findPrograms()) return 'PostgreSQL is missing: install its server (Debian: postgresql)'
  if (isRoot() && userOf('postgres') === undefined)
    return 'PostgreSQL does not run as root, and there is no user postgres: run the tests as another user'
  return undefined
}

export interface Postgres {
  readonly pool: pg.Pool
  readonly connectionString: string
  /** As a crash does: the server restores itself at the next `start`. */
  stop(): Promise<void>
  start(): Promise<void>
}

/** A server of this suite's own, which begins before its tests and ends after them. */
export function postgresOfSuite(): Postgres {
  let server: Server | undefined
  let pool: pg.Pool | undefined
  const running = () => {
    if (!server || !pool) throw new Error('the server of the suite is not there yet, or not any more')
    return { server, pool }
  }
  beforeAll(async () => {
    server = await Server.create()
    pool = new pg.Pool({ connectionString: server.connectionString, max: 10, connectionTimeoutMillis: 5_000 })
    pool.on('error', () => undefined)
  })
  afterAll(async () => {
    await pool?.end()
    await server?.remove()
  })
  return {
    get pool() {
      return running().pool
    },
    get connectionString() {
      return running().server.connectionString
    },
    stop: () => running().server.stop('SIGQUIT'),
    start: () => running().server.start(),
  }
}

class Server {
  readonly connectionString: string
  readonly #directory: string
  readonly #port: number
  #process: ChildProcess | undefined

  private constructor(directory: string, port: number) {
    this.#directory = directory
    this.#port = port
    this.connectionString = `postgres://postgres@127.0.0.1:${port}/postgres`
  }

  static async create(): Promise<Server> {
    const directory = mkdtempSync(join(tmpdir(), 'millrace-postgres-'))
    const { uid, gid } = identity()
    if (uid !== undefined) chownSync(directory, uid, gid!)
    const initdb = ['-D', join(directory, 'data'), '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-sync']
    execFileSync(program('initdb'), [...initdb, '--locale=C'], {
      ...identity(),
      cwd: directory,
      stdio: 'ignore',
    })
    const server = new Server(directory, await freePort())
    await server.start()
    return server
  }

  async start(): Promise<void> {
    const settings = ['fsync=off', 'listen_addresses=127.0.0.1', `unix_socket_directories=${this.#directory}`]
    const data = ['-D', join(this.#directory, 'data'), '-p', String(this.#port)]
    const options = { ...identity(), cwd: this.#directory, stdio: 'ignore' } as const
    this.#process = spawn(program('postgres'), [...data, ...settings.flatMap(each => ['-c', each])], options)
    await eventually(() => this.#answers(), { what: 'an answer of PostgreSQL', pauseMs: 50 })
  }

  async stop(signal: 'SIGQUIT' | 'SIGINT'): Promise<void> {
    const running = this.#process
    if (!running || running.exitCode !== null) return
    const exited = once(running, 'exit')
    running.kill(signal)
    await exited
  }

  async remove(): Promise<void> {
    await this.stop('SIGQUIT')
    rmSync(this.#directory, { recursive: true, force: true, maxRetries: 5 })
  }

  async #answers(): Promise<true> {
    if (typeof this.#process?.exitCode === 'number')
      throw new Error(`postgres has ended with ${this.#process.exitCode}`)
    const client = new pg.Client({ connectionString: this.connectionString })
    client.on('error', () => undefined)
    await client.connect()
    await client.end()
    return true
  }
}

function program(name: string): string {
  return join(findPrograms() ?? '', name)
}

/** Folder of the newest version, or of the one on the path. */
function findPrograms(): string | undefined {
  const versions = existsSync(DEBIAN) ? readdirSync(DEBIAN) : []
  const newestFirst = versions.sort((left, right) => Number(right) - Number(left))
  const folders = [
    ...newestFirst.map(version => join(DEBIAN, version, 'bin')),
    ...(process.env['PATH'] ?? '').split(delimiter),
  ]
  return folders.find(folder => existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'postgres')))
}

function isRoot(): boolean {
  return process.getuid?.() === 0
}

function identity(): { readonly uid?: number; readonly gid?: number } {
  return (isRoot() ? userOf('postgres') : undefined) ?? {}
}

function userOf(name: string): { readonly uid: number; readonly gid: number } | undefined {
  const idOf = (flag: string) =>
    Number(execFileSync('id', [flag, name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }))
  try {
    return { uid: idOf('-u'), gid: idOf('-g') }
  } catch {
    return undefined
  }
}

async function freePort(): Promise<number> {
  const probe = createServer()
  probe.listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo
  probe.close()
  await once(probe, 'close')
  return port
}
