import type { OpenedBroker } from '../../broker/open/opened-broker.ts'
import { KafkaStreams } from '../../streams/kafka-streams.ts'
import type { Ending } from '../lifecycle/ending.ts'
import { present } from '../../common/assert.ts'
import { StreamsError } from '../../common/errors/errors.ts'
import type { Logger } from '../../common/logger.ts'
import type { Job } from './job.ts'
import type { StreamsState } from '../../streams/streams-state.ts'
import { restoreSource } from './run-progress.ts'
import type { Teardown } from '../lifecycle/teardown.ts'
import { terminalProgress } from '../output/terminal.ts'
import type { ConsoleChild } from '../../console/child/console-child.ts'
import type { ServiceContext } from '../../streams/topology-file.ts'

/** How far an application is; `url` when its service is up. */
export interface ApplicationProgress {
  readonly state: StreamsState
  readonly url: string | undefined
}

/** With what comes after it, within the 30 s that Kubernetes gives a container. */
const CLOSE_TIMEOUT_MS = 15_000
/** What a close that was too slow may take to let go of its clients. */
const LEAVE_MS = 6_000

interface ApplicationOptions {
  readonly broker: OpenedBroker
  readonly ending: Ending
  readonly teardown: Teardown
  readonly onProgress: (progress: ApplicationProgress) => void
  /** The console's part in this process. */
  readonly console: ConsoleChild | undefined
}

/**
 * Starts the application in this process, then its service. What is open is handed to the teardown at once,
 * so that an end in the middle of starting closes it, too.
 */
export async function startApplication(
  job: Job,
  { broker, ending, teardown, onProgress, console }: ApplicationOptions,
): Promise<void> {
  const { clock, logger, topology, config } = job
  const own = tellingOnce(logger, ending, () => streams.error)
  const streams: KafkaStreams = new KafkaStreams(topology, config, { broker, clock, logger: own })
  const serve = serveAt(job, console?.add({ streams, plan: job.plan, config, audits: job.file.audits ?? [] }))
  const close = () => streams.close({ timeoutMs: CLOSE_TIMEOUT_MS })
  teardown.add(`the application ${config.applicationId}`, close, CLOSE_TIMEOUT_MS + LEAVE_MS)
  const stopTelling = terminalProgress.add(restoreSource(streams), logger)
  teardown.add('the progress', async () => stopTelling())
  const tell = (url?: string) => onProgress({ state: streams.state, url })
  streams.onStateChange(() => tell())
  await ending.unlessEnded(streams.start())
  if (ending.signal.aborted) return
  failWith(streams, ending)
  logger.log('info', `${config.applicationId} is running`, {
    brokers: broker.name,
    stateDir: config.stateDir,
  })
  tell(await startService(job, streams, { broker, teardown, serve }))
}

/**
 * What ends the run is told at its end, by its code and place; of several applications that fail, only the
 * first is.
 */
function tellingOnce(logger: Logger, ending: Ending, failure: () => Error | undefined): Logger {
  return {
    log(level, message, fields) {
      const isLast = level === 'error' && fields?.['error'] !== undefined && fields['error'] === failure()
      if (!(isLast && !ending.hasFailed)) logger.log(level, message, fields)
    },
  }
}

/** A service serves its site in the console, else on a port of its own; what that takes is loaded then. */
function serveAt(
  { host, port, clock }: Job,
  inConsole: ServiceContext['serve'] | undefined,
): ServiceContext['serve'] {
  if (inConsole) return inConsole
  return async site => {
    const { serveSite } = await import('../../server/serve-site.ts')
    return serveSite(site, { host, port, clock })
  }
}

function failWith(streams: KafkaStreams, ending: Ending): void {
  streams.onStateChange(state => {
    if (state === 'error') ending.fail(present(streams.error, 'the error of the application'))
  })
}

/**
 * The service, which of several processes only the first has: they would want the same port. Returns where it
 * is, if it says.
 */
async function startService(
  job: Job,
  streams: KafkaStreams,
  {
    broker,
    teardown,
    serve,
  }: Pick<ApplicationOptions, 'broker' | 'teardown'> & Pick<ServiceContext, 'serve'>,
): Promise<string | undefined> {
  const { file, config, settings, clock, logger, host, port, options } = job
  const { processIndex = 0 } = options
  if (!file.service || processIndex > 0) return undefined
  const { applicationId, stateDir } = config
  const around = { broker, logger, clock, serve, host, port }
  const service = await file.service(streams, { ...around, stateDir, applicationId, settings, processIndex })
  if (typeof service?.[Symbol.asyncDispose] !== 'function') {
    throw new StreamsError(
      'SERVICE_NOT_DISPOSABLE',
      `service() of ${options.file} must return an object with [Symbol.asyncDispose], so that it can be closed`,
    )
  }
  teardown.add('the service', async () => service[Symbol.asyncDispose]())
  return service.url
}
