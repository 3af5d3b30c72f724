import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { Clock } from '../../common/clock.ts'
import { errorFrom } from '../../common/errors/errors.ts'
import type { Logger } from '../../common/logger.ts'
import type { DevPage } from './dev-page.ts'
import { runArguments } from '../options/run-arguments.ts'
import type { RunOptions, SharedOptions } from '../options/run-options.ts'
import { startRun } from '../run/start-process.ts'
import { stopChild } from '../lifecycle/stop-child.ts'
import { onReport, type Report } from '../run/report.ts'

/** Whoever has changed a file waits for it. What is cut off here was not committed, and is done again. */
const STOP_MS_MAX = 5_000

export interface DevProgramOptions {
  readonly run: RunOptions
  /** Whether an option was written on the command line; the program finds the others as this process has. */
  readonly isGiven: (name: keyof SharedOptions) => boolean
  readonly page: DevPage
  /** Told where the state lies, when that is known. */
  readonly onStateDir: (stateDir: string) => void
  readonly clock: Clock
  readonly logger: Logger
}

/** The program that is being written, one process at a time. */
export class DevProgram {
  readonly #options: DevProgramOptions
  #child: ChildProcess | undefined
  #stopping: Promise<void> | undefined
  /**
   * Files of `--input` are written once: what has begun to write them has their records in the state that is
   * kept.
   */
  #isFed = false

  constructor(options: DevProgramOptions) {
    this.#options = options
  }

  /** After `stop`. */
  start(): void {
    const { run, isGiven, page } = this.#options
    const input = run.input.filter(({ value }) => value === '-' || !this.#isFed)
    const args = runArguments({ ...run, input }, name => isGiven(name) || name === 'printFormat')
    const readsInput = input.some(({ value }) => value === '-')
    const child = startRun([run.file, ...args, '--supervised'], readsInput ? 'inherit' : 'ignore')
    this.#child = child
    this.#stopping = undefined
    page.started()
    onReport(child, report => this.#onReport(report))
    void this.#watchEnd(child)
  }

  /** Resolves when the process is gone. Idempotent. */
  async stop(): Promise<void> {
    const { clock, logger, run } = this.#options
    if (!this.#child) return
    this.#stopping ??= stopChild(this.#child, { name: run.file, limitMs: STOP_MS_MAX, clock, logger })
    await this.#stopping
  }

  #onReport(report: Report): void {
    const { page, onStateDir } = this.#options
    if (report.kind === 'loaded') onStateDir(report.stateDir)
    else if (report.kind === 'progress' && report.state === 'running') this.#isFed = true
    page.tell(report)
  }

  async #watchEnd(child: ChildProcess): Promise<void> {
    const { page, logger, run } = this.#options
    const end = await once(child, 'exit').catch((reason: unknown) => [errorFrom(reason).message, null])
    if (this.#stopping) return
    const [code, signal] = end as [number | string | null, NodeJS.Signals | null]
    const how = signal ? `was ended by ${signal}` : `has ended with ${code}`
    page.ended(code === 0)
    logger.log('warn', `${run.file} ${how}; it is started again when a file changes`)
  }
}
