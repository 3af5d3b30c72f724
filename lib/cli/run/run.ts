import type { Admin } from '../../broker/broker.ts'
import type { OpenedBroker } from '../../broker/open/opened-broker.ts'
import type { ConsoleChild } from '../../console/child/console-child.ts'
import { errorFrom } from '../../common/errors/errors.ts'
import { startApplication, type ApplicationProgress } from './application.ts'
import type { Ending } from '../lifecycle/ending.ts'
import { ensureTopics } from './ensure-topics.ts'
import { UsageError } from '../output/exit-code.ts'
import { untilIdle } from './idle-watch.ts'
import { checkInputs, loggerFor, serviceAddress, type Job } from './job.ts'
import { prepareJobs, type Jobs } from './jobs.ts'
import { topologyPath } from '../load/load-topology-file.ts'
import { openedBroker, openRunBroker } from './open-run-broker.ts'
import { runProcesses } from './process-group.ts'
import { PendingInputs } from './pending-inputs.ts'
import { isLocal, type SharedOptions } from '../options/run-options.ts'
import { ReplayProgress } from './run-progress.ts'
import { startFeeds } from './start-feeds.ts'
import { startPrinting } from './start-printing.ts'
import { stallWhenTold } from './stall.ts'
import { startProcess } from './start-process.ts'
import { reportLoaded, reportProgress } from './report.ts'
import type { Teardown } from '../lifecycle/teardown.ts'
import { terminalProgress } from '../output/terminal.ts'
import { untilEnd } from '../lifecycle/until-end.ts'
import { withState } from '../lifecycle/temporary-state.ts'

/** `millrace run`: resolves after a clean end, rejects with what failed. */
export async function run(files: readonly string[], options: SharedOptions): Promise<void> {
  checkProcesses(options)
  checkConsole(options)
  checkDataPaths(options)
  await checkFiles(files, options)
  if (options.console) return startConsole(files, options)
  await withState(options, withStateDir => runAll(files, withStateDir))
}

async function runAll(files: readonly string[], options: SharedOptions): Promise<void> {
  const { jobs, opening } = await openRunBroker(options, () => prepareJobs(files, options))
  const [{ clock, logger }] = jobs
  await untilEnd({ clock, logger }, around => runUntilEnd(jobs, opening, around))
}

function checkProcesses({ processes, brokers }: SharedOptions): void {
  if (processes === 1 || !isLocal(brokers)) return
  throw new UsageError(
    'PROCESSES_NEED_KAFKA',
    `--processes ${processes} with --brokers ${brokers}: that broker lives in one process, and others cannot reach it; ` +
      'name a Kafka cluster (--brokers host:port), or leave --processes out',
  )
}

/** Loaded only where it is asked for: it brings a server. */
async function startConsole(files: readonly string[], options: SharedOptions): Promise<void> {
  const { runConsole } = await import('./console.ts')
  await runConsole(files, options, { ...serviceAddress(process.env), logger: loggerFor(options) })
}

function checkConsole(options: SharedOptions): void {
  if (options.console) return
  const given = options.consoleFaults ? '--console-faults' : options.consoleToken && '--console-token'
  if (given) throw new UsageError('CONSOLE_OFF', `${given} is for the console: add --console`)
}

function checkDataPaths({ fetch, produce, brokers }: SharedOptions): void {
  if (!isLocal(brokers)) return
  const refuse = (name: 'fetch' | 'produce') => {
    const message = `--${name} is for a Kafka cluster; the brokers are "${brokers}"`
    throw new UsageError(name === 'fetch' ? 'FETCH_UNUSED' : 'PRODUCE_UNUSED', message)
  }
  if (fetch !== undefined) refuse('fetch')
  if (produce !== undefined) refuse('produce')
}

/** What can be found wrong without loading anything is, before a broker is asked. */
async function checkFiles(files: readonly string[], { input }: SharedOptions): Promise<void> {
  await checkInputs(input)
  for (const file of files) await topologyPath(file)
}

async function runUntilEnd(
  jobs: Jobs,
  opening: Promise<OpenedBroker>,
  { ending, teardown }: { ending: Ending; teardown: Teardown },
): Promise<void> {
  const [job] = jobs
  if (job.options.supervised) {
    const stop = stallWhenTold()
    teardown.add('the stall', async () => stop())
  }
  for (const each of jobs) reportLoaded(each)
  const broker = await openedBroker(opening, ending, teardown)
  if (!broker) return
  const admin = await broker.admin()
  teardown.add('the admin client', () => admin.close())
  for (const each of jobs) await ensureTopics(each, admin)
  await startPrinting(job, { broker, admin, ending, teardown })
  if (job.options.processes > 1) startProcesses(job, ending, teardown)
  else await startApplications(jobs, { broker, admin, ending, teardown })
  if (job.options.processes === 1) for (const each of jobs) followReplay(each, { admin, ending, teardown })
  const { done: fed } = await startFeeds(job, { broker, admin, ending, teardown })
  if (job.options.exitWhenIdle) endWhenIdle(job, { fed, broker, admin, ending, teardown })
  await ending.reached()
}

/** Side by side: none of them waits for another's state to be restored. */
async function startApplications(
  jobs: Jobs,
  around: { broker: OpenedBroker; admin: Admin; ending: Ending; teardown: Teardown },
): Promise<void> {
  const console = await consoleOf(jobs[0], around)
  const isAlone = jobs.length === 1 || jobs[0].options.supervised === true
  const overview = isAlone ? undefined : await overviewOf(jobs, around.teardown)
  const starting = jobs.map(async job => {
    try {
      const onProgress = (progress: ApplicationProgress) => {
        overview?.tell(job, progress)
        reportProgress(job, progress)
      }
      await startApplication(job, { ...around, onProgress, console })
    } catch (reason) {
      // The others, which may be waiting for their brokers, give up, too.
      around.ending.fail(errorFrom(reason))
      throw reason
    }
  })
  // All of them come to an end before anything is closed.
  const failed = (await Promise.allSettled(starting)).find(result => result.status === 'rejected')
  if (failed) throw failed.reason
}

/** Tells how far an application is with what waited for it. That this cannot be asked is no reason to end. */
function followReplay(
  job: Job,
  { admin, ending, teardown }: { admin: Admin; ending: Ending; teardown: Teardown },
): void {
  const replay = new ReplayProgress(job)
  const stopTelling = terminalProgress.add(replay, job.logger)
  const following = replay
    .follow(admin, ending.signal)
    .catch((error: unknown) => job.logger.log('debug', 'the progress of the input is not known', { error }))
    .finally(stopTelling)
  teardown.add('the progress of the input', () => following)
}

async function consoleOf(
  job: Job,
  around: { broker: OpenedBroker; admin: Admin; teardown: Teardown },
): Promise<ConsoleChild | undefined> {
  if (job.options.consoleSocket === undefined) return undefined
  const { openConsoleChild } = await import('./console-child.ts')
  return openConsoleChild(job, around)
}

/** Loaded only for several applications: it brings a server. */
async function overviewOf(jobs: Jobs, teardown: Teardown) {
  const { startOverview } = await import('./overview.ts')
  return startOverview(jobs, teardown)
}

function startProcesses(job: Job, ending: Ending, teardown: Teardown): void {
  const { clock, logger, options } = job
  const stop = new AbortController()
  const start = (index: number) => startProcess(job, index)
  const running = runProcesses({ count: options.processes, start, clock, logger, signal: stop.signal })
  running.catch((error: unknown) => ending.fail(errorFrom(error)))
  teardown.add('the processes', async () => {
    stop.abort()
    await running.catch(() => undefined)
  })
}

function endWhenIdle(
  job: Job,
  {
    fed,
    broker,
    admin,
    ending,
    teardown,
  }: { fed: Promise<void>; broker: OpenedBroker; admin: Admin; ending: Ending; teardown: Teardown },
): void {
  const { plan, clock, logger } = job
  const { signal } = ending
  const pending = new PendingInputs(plan, { broker, admin })
  teardown.add('the idle watch', () => pending.close())
  fed
    .then(() => untilIdle(plan, admin, { clock, signal, pending, logger }))
    .then(() => ending.stop())
    .catch((error: unknown) => ending.fail(errorFrom(error)))
}
