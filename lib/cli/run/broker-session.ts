import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Admin, Broker } from '../../broker/broker.ts'
import { openBroker } from '../../broker/open/open-broker.ts'
import type { Clock } from '../../common/clock.ts'
import { systemClock } from '../../common/clock.ts'
import { errorFrom } from '../../common/errors/errors.ts'
import type { Logger } from '../../common/logger.ts'
import type { Ending } from '../lifecycle/ending.ts'
import { asUsage, UsageError } from '../output/exit-code.ts'
import { loggerFor } from './job.ts'
import { brokerSettings, openedBroker } from './open-run-broker.ts'
import { stateDirOf, type BrokerOptions } from '../options/shared-options.ts'
import type { Teardown } from '../lifecycle/teardown.ts'
import { untilEnd } from '../lifecycle/until-end.ts'

/** What a command works with that runs no application. */
export interface Session {
  readonly broker: Broker
  readonly admin: Admin
  /** Its signal is for work that may take long; what is left running is waited for. */
  readonly ending: Ending
  readonly clock: Clock
  readonly logger: Logger
}

/** A command's work may be in the middle of an answer from the brokers, which have 30 s. */
const WORK_MS_MAX = 30_000

/**
 * Opens the broker, lets `work` use it, and closes all again, in this order also after SIGINT or SIGTERM.
 * `creates`: whether the command may begin an embedded broker where there is none. Rejects with what failed,
 * `EMBEDDED_BROKER_MISSING` and `BROKER_IN_MEMORY`.
 */
export async function withBroker(
  options: BrokerOptions,
  work: (session: Session) => Promise<void>,
  { creates = false }: { readonly creates?: boolean } = {},
): Promise<void> {
  const clock = systemClock
  const logger = loggerFor(options)
  const directory = join(stateDirOf(options), 'broker')
  await checkBroker(options, creates ? undefined : directory)
  const settings = await brokerSettings(options)
  await untilEnd({ clock, logger }, async ({ ending, teardown }) => {
    const opening = asUsage(() => openBroker(options.brokers, { ...settings, directory }))
    const broker = await openedBroker(opening, ending, teardown)
    if (broker) await workWith(broker, work, { ending, teardown, clock, logger })
  })
}

async function workWith(
  broker: Broker,
  work: (session: Session) => Promise<void>,
  around: { ending: Ending; teardown: Teardown; clock: Clock; logger: Logger },
): Promise<void> {
  const { ending, teardown, clock, logger } = around
  const admin = await broker.admin()
  teardown.add('the admin client', () => admin.close())
  const stopAtClosedOutput = stoppingAtClosedOutput(ending)
  process.stdout.on('error', stopAtClosedOutput)
  const working = work({ broker, admin, ending, clock, logger }).catch((reason: unknown) => {
    if (!isClosedOutput(reason)) ending.fail(errorFrom(reason))
  })
  teardown.add('the command', () => working, WORK_MS_MAX)
  await ending.unlessEnded(working)
}

/** Whoever reads our output may have seen enough (`| head`): that is no failure. */
function stoppingAtClosedOutput(ending: Ending): (error: Error) => void {
  return error => {
    if (isClosedOutput(error)) ending.stop()
    else ending.fail(error)
  }
}

function isClosedOutput(reason: unknown): boolean {
  return reason instanceof Error && 'code' in reason && reason.code === 'EPIPE'
}

async function checkBroker({ brokers }: BrokerOptions, directory: string | undefined): Promise<void> {
  if (brokers === 'memory') {
    const message =
      '--brokers memory: that broker lives and ends with one run; this command would see an empty one'
    throw new UsageError('BROKER_IN_MEMORY', message)
  }
  if (brokers !== 'embedded' || directory === undefined) return
  if (await stat(directory).catch(() => undefined)) return
  throw new UsageError(
    'EMBEDDED_BROKER_MISSING',
    `there is no embedded broker at ${directory}: name its --state-dir, or a Kafka cluster (--brokers host:port)`,
  )
}
