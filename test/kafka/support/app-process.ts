import { spawn, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { StreamsConfig } from '../../../lib/streams/config.ts'
import { eventually } from '../../support/eventually.ts'
import type { AppTopology } from './app-topologies.ts'

const CHILD = fileURLToPath(new URL('app-child.ts', import.meta.url))

export interface AppSpec {
  readonly brokers: string
  readonly topology: AppTopology
  readonly prefix: string
  readonly config: StreamsConfig
  /** How far its wall clock is set forward. Default 0. */
  readonly aheadMs?: number
}

/** One process of an application: a real one, to be killed, stopped and continued. */
export class AppProcess {
  readonly spec: AppSpec
  readonly #child: ChildProcess
  readonly #ended: Promise<string>
  #output = ''
  #errors = ''
  #ending: string | undefined

  constructor(spec: AppSpec) {
    this.spec = spec
    this.#child = spawn(process.execPath, ['--import', 'tsx', CHILD, JSON.stringify(spec)], { stdio: 'pipe' })
    this.#child.stdout?.on('data', (chunk: Buffer) => (this.#output += chunk.toString()))
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      this.#errors = (this.#errors + chunk.toString()).slice(-20_000)
      if (process.env['MILLRACE_TEST_LOG']) process.stderr.write(`[${this.name}] ${chunk.toString()}`)
    })
    this.#ended = new Promise(resolve =>
      this.#child.once('close', (code, signal) => resolve((this.#ending = signal ?? `exit code ${code}`))),
    )
  }

  /** Its client id in the group is this, with the mark of the anchors behind it. */
  get name(): string {
    return this.spec.config.clientId ?? this.spec.config.applicationId
  }

  get pid(): number {
    return this.#child.pid!
  }

  get hasEnded(): boolean {
    return this.#ending !== undefined
  }

  /** Resident memory in MB, as the process told when it closed. */
  get rssMb(): number | undefined {
    const told = /^rss (\d+)$/m.exec(this.#output)?.[1]
    return told === undefined ? undefined : Number(told)
  }

  /** How often its output has this line so far. */
  count(line: string): number {
    return this.#output.split('\n').filter(each => each === line).length
  }

  async running(): Promise<void> {
    await eventually(
      () => {
        this.assertAlive()
        return this.count('state running') > 0
      },
      { what: `${this.name} running` },
    )
  }

  assertAlive(): void {
    if (this.#ending !== undefined)
      throw new Error(`${this.name} has ended (${this.#ending}):\n${this.#errors || this.#output}`)
  }

  stop(): void {
    this.#child.kill('SIGSTOP')
  }

  continue(): void {
    this.#child.kill('SIGCONT')
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#ended
  }

  /** Closes it in order. Throws where it ends in any other way. */
  async close(): Promise<void> {
    this.#child.kill('SIGTERM')
    const ending = await this.#ended
    if (ending !== 'exit code 0') throw new Error(`${this.name} ended by ${ending}:\n${this.#errors}`)
  }
}
