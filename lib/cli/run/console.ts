import type { ChildProcess } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { systemClock } from '../../common/clock.ts'
import { errorFrom, StreamsError } from '../../common/errors/errors.ts'
import type { Logger } from '../../common/logger.ts'
import { packageVersion } from '../../common/package-version.ts'
import { systemRandom } from '../../common/random.ts'
import { SiteServer, type Breaker } from '../../console/site/site-server.ts'
import { SiteState } from '../../console/site/site-state.ts'
import { isLoopback } from '../../http/guard.ts'
import { hasEnded } from '../lifecycle/stop-child.ts'
import { untilEnd, type Work } from '../lifecycle/until-end.ts'
import { runArguments } from '../options/run-arguments.ts'
import type { SharedOptions } from '../options/run-options.ts'
import { UsageError } from '../output/exit-code.ts'
import { runProcesses } from './process-group.ts'
import { onReport, type Report } from './report.ts'
import { startRun } from './start-process.ts'

/**
 * `millrace run … --console`: this process has the port, and the page; the applications run in processes that
 * it starts, and starts again when they end. Resolves after SIGTERM or SIGINT, when all of them are gone.
 */
export async function runConsole(
  files: readonly string[],
  options: SharedOptions,
  { host, port, logger }: { readonly host: string; readonly port: number; readonly logger: Logger },
): Promise<void> {
  checkOptions(options, host)
  const clock = systemClock
  await untilEnd({ clock, logger }, async around => {
    const supervisor = new ConsoleSupervisor(files, options, { ...around, logger })
    await supervisor.run(host, port)
  })
}

function checkOptions({ consoleToken, exitWhenIdle }: SharedOptions, host: string): void {
  if (exitWhenIdle)
    throw new UsageError(
      'CONSOLE_STAYS',
      '--exit-when-idle with --console: a site stays; leave one of them out',
    )
  if (consoleToken === '')
    throw new UsageError(
      'INVALID_TOKEN',
      '--console-token is an empty text: give one with at least a character',
    )
  if (consoleToken === undefined && !isLoopback(host)) {
    const message = `HOST is ${host}, so that others than this machine reach the console: give it --console-token (or MILLRACE_CONSOLE_TOKEN)`
    throw new UsageError('TOKEN_NEEDED', message)
  }
}

/** The built page lies beside the built command. */
function pageFolder(): string {
  return join(dirname(fileURLToPath(import.meta.resolve('millrace'))), 'console')
}

class ConsoleSupervisor {
  readonly #files: readonly string[]
  readonly #options: SharedOptions
  readonly #around: Work & { readonly logger: Logger }
  readonly #logger: Logger
  readonly #state: SiteState
  readonly #server: SiteServer
  readonly #children = new Map<number, ChildProcess>()
  #folder = ''
  #siteUrl = ''
  #starts = 0
  /** Files of `--input` are written once; what was cut off by an end is told of. */
  #isFed = false

  constructor(files: readonly string[], options: SharedOptions, around: Work & { readonly logger: Logger }) {
    const { brokers, processes, consoleFaults = false, consoleToken: token } = options
    this.#files = files
    this.#options = options
    this.#around = around
    this.#logger = around.logger
    const clock = systemClock
    const about = { version: packageVersion(), brokers, processCount: processes, canBreak: consoleFaults }
    this.#state = new SiteState({ ...about, clock })
    this.#server = new SiteServer({
      state: this.#state,
      page: pageFolder(),
      token,
      breaker: consoleFaults ? this.#breaker() : undefined,
      clock,
      logger: this.#logger,
    })
  }

  async run(host: string, port: number): Promise<void> {
    const { ending, teardown } = this.#around
    this.#siteUrl = await this.#server.listen(host, port)
    teardown.add('the console', () => this.#server.close())
    this.#folder = await mkdtemp(join(tmpdir(), 'millrace-'))
    teardown.add('the sockets', () => rm(this.#folder, { recursive: true, force: true }))
    this.#logger.log('info', `the console is on ${this.#siteUrl}`)
    this.#startProcesses()
    await ending.reached()
  }

  #startProcesses(): void {
    const { ending, teardown } = this.#around
    const stop = new AbortController()
    const running = runProcesses({
      count: this.#options.processes,
      start: index => this.#start(index),
      clock: systemClock,
      logger: this.#logger,
      signal: stop.signal,
    })
    running.catch((error: unknown) => ending.fail(errorFrom(error)))
    teardown.add('the processes', async () => {
      this.#state.stopped()
      stop.abort()
      await running.catch(() => undefined)
    })
  }

  #start(index: number): ChildProcess {
    const socketPath = this.#socketPath(index)
    const child = startRun([...this.#files, ...this.#arguments(index, socketPath)], this.#stdin(index), {
      MILLRACE_CONSOLE_URL: this.#siteUrl,
    })
    this.#children.set(index, child)
    this.#state.started(index, child.pid)
    onReport(child, report => this.#onReport(index, socketPath, report))
    child.once('exit', (exitCode, killedBy) => this.#onEnd(index, { exitCode, killedBy }))
    return child
  }

  /** A socket of its own for each start: the one before may still lie there. */
  #socketPath(index: number): string {
    this.#starts += 1
    if (process.platform === 'win32') return `\\\\.\\pipe\\millrace-${systemRandom.uuid()}`
    return join(this.#folder, `${index}-${this.#starts}.sock`)
  }

  #arguments(index: number, socketPath: string): string[] {
    const { processes, input, print } = this.#options
    const isFirst = index === 0
    if (isFirst && this.#isFed && input.length > 0)
      this.#logger.log(
        'warn',
        'the --input is not written a second time; what the end has cut off is not there',
      )
    const own = { ...this.#options, input: isFirst && !this.#isFed ? input : [], print: isFirst ? print : [] }
    if (isFirst) this.#isFed = true
    return [
      ...runArguments(own, () => true),
      '--supervised',
      ...(isFirst ? ['--console-socket', socketPath] : []),
      ...(processes > 1 ? ['--process-index', String(index)] : []),
    ]
  }

  #stdin(index: number): 'ignore' | 'inherit' {
    const readsInput = this.#options.input.some(({ value }) => value === '-')
    return index === 0 && this.#starts === 1 && readsInput ? 'inherit' : 'ignore'
  }

  #onReport(index: number, socketPath: string, report: Report): void {
    if (report.kind === 'loaded') this.#state.loaded(report)
    else if (report.kind === 'progress') this.#state.told(index, report.applicationId, report.state)
    else this.#server.forwardTo(socketPath)
  }

  /** Before everything has run once, an end is a failed start, which starting again does not mend. */
  #onEnd(index: number, end: { exitCode: number | null; killedBy: NodeJS.Signals | null }): void {
    const { ending } = this.#around
    if (index === 0) this.#server.forwardTo(undefined)
    this.#children.delete(index)
    if (ending.signal.aborted) return
    this.#state.ended(index, end)
    if (this.#state.hasRun || end.exitCode === null || end.exitCode === 0) return
    if (end.exitCode === 2) return
    const message = `process ${index} has ended with ${end.exitCode} before its applications ran; what it says is above`
    ending.fail(new StreamsError('CONSOLE_NOT_STARTED', message))
  }

  #breaker(): Breaker {
    const alive = (index: number) => {
      const child = this.#children.get(index)
      return child && !hasEnded(child) ? child : undefined
    }
    return {
      kill: index => alive(index)?.kill('SIGKILL') ?? false,
      stall: (index, ms) => alive(index)?.send({ kind: 'stall', ms }) ?? false,
    }
  }
}
