import { stat } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { systemClock, type Clock } from '../../common/clock.ts'
import { silentLogger, type Logger } from '../../common/logger.ts'
import { DevPage } from './dev-page.ts'
import { DevProgram } from './dev-program.ts'
import { checkInputs, loggerFor, serviceAddress } from '../run/job.ts'
import { topologyPath } from '../load/load-topology-file.ts'
import { openBrowser } from './open-browser.ts'
import type { RunOptions, SharedOptions } from '../options/run-options.ts'
import { stateDirOf } from '../options/shared-options.ts'
import { TypeCheck, type TypeErrors } from '../load/type-check.ts'
import { untilEnd, type Work } from '../lifecycle/until-end.ts'
import { FolderWatch } from '../load/folder-watch.ts'

export interface DevOptions extends RunOptions {
  readonly open?: boolean
  readonly check: boolean
}

/** A check that takes longer tells what it has found when the program runs already. */
const CHECK_MS_MAX = 3_000

/** `millrace dev`: resolves after SIGINT or SIGTERM, when every process that it has started is gone. */
export async function dev(
  options: DevOptions,
  isGiven: (name: keyof SharedOptions) => boolean,
): Promise<void> {
  await checkInputs(options.input)
  const path = await topologyPath(options.file)
  const { host, port } = serviceAddress(process.env)
  const logger = loggerFor(options)
  const clock = systemClock
  // The program says itself that it closes, and why; it hears the terminal's signals, too.
  await untilEnd({ clock, logger: silentLogger }, async around => {
    const { teardown } = around
    const before = port === 0 ? 0 : port - 1
    const page = await DevPage.open(options.file, { host, port: before, brokers: options.brokers, clock })
    teardown.add('the page', () => page.close())
    const root = await projectFolder(dirname(path))
    const watch = await FolderWatch.open(root, { clock, file: path, ignored: [stateDirOf(options)] })
    teardown.add('the watch', async () => watch.close())
    const types = options.check ? await Types.open(path, { clock, logger }) : undefined
    if (types) teardown.add('the type check', () => types.close())
    const onStateDir = (stateDir: string) => watch.ignore(stateDir)
    const program = new DevProgram({ run: options, isGiven, page, onStateDir, clock, logger })
    teardown.add('the program', () => program.stop())
    logger.log('info', `watching ${relative('', root) || '.'}; what runs is shown on ${page.url}`)
    if (options.open) openBrowser(page.url, logger)
    await startAgain({ program, watch, types, logger }, around)
  })
}

async function startAgain(
  {
    program,
    watch,
    types,
    logger,
  }: { program: DevProgram; watch: FolderWatch; types: Types | undefined; logger: Logger },
  { ending }: Work,
): Promise<void> {
  const { signal } = ending
  program.start()
  void types?.check(signal)
  for (;;) {
    const changed = await watch.changes(signal)
    if (signal.aborted) return
    const names = changed.map(path => relative('', path))
    logger.log('info', `changed: ${names.slice(0, 3).join(', ')}${names.length > 3 ? ', …' : ''}`)
    await Promise.all([program.stop(), types?.check(signal)])
    if (signal.aborted) return
    program.start()
  }
}

/** The nearest folder with a package.json, else the file's own. */
async function projectFolder(folder: string): Promise<string> {
  for (let at = folder; ; at = dirname(at)) {
    if (await stat(join(at, 'package.json')).catch(() => undefined)) return at
    if (dirname(at) === at) return folder
  }
}

/** Tells type errors, and that there are none any more. */
class Types {
  readonly #check: TypeCheck
  readonly #clock: Clock
  readonly #logger: Logger
  #hasErrors = false

  private constructor(check: TypeCheck, { clock, logger }: { clock: Clock; logger: Logger }) {
    this.#check = check
    this.#clock = clock
    this.#logger = logger
  }

  static async open(path: string, around: { clock: Clock; logger: Logger }): Promise<Types | undefined> {
    const check = await TypeCheck.open(path, { isPretty: process.stderr.isTTY === true })
    if (typeof check !== 'string') return new Types(check, around)
    around.logger.log('info', `types are not checked: ${check}`)
    return undefined
  }

  /**
   * Resolves when it is told what the check has found, or when that takes too long; then it is told later.
   */
  async check(signal: AbortSignal): Promise<void> {
    const told = this.#check.run().then(found => found && this.#tell(found))
    const late = new AbortController()
    const limit = this.#clock.sleep(CHECK_MS_MAX, AbortSignal.any([signal, late.signal]))
    await Promise.race([told, limit])
    late.abort()
  }

  close(): Promise<void> {
    return this.#check.close()
  }

  #tell({ count, text }: TypeErrors): void {
    if (count > 0) {
      process.stderr.write(text.endsWith('\n') ? text : `${text}\n`)
      this.#logger.log(
        'warn',
        `${count === 1 ? 'a type error' : `${count} type errors`}; it runs all the same`,
      )
    } else if (this.#hasErrors) this.#logger.log('info', 'no type errors any more')
    this.#hasErrors = count > 0
  }
}
