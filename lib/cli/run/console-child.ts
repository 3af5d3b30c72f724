import type { Admin } from '../../broker/broker.ts'
import type { OpenedBroker } from '../../broker/open/opened-broker.ts'
import { ConsoleChild } from '../../console/child/console-child.ts'
import type { Teardown } from '../lifecycle/teardown.ts'
import type { Job } from './job.ts'
import { reportListening } from './report.ts'

/** The console's part in the process with the applications. */
export async function openConsoleChild(
  { options, clock, logger }: Job,
  { broker, admin, teardown }: { broker: OpenedBroker; admin: Admin; teardown: Teardown },
): Promise<ConsoleChild | undefined> {
  const { consoleSocket: socketPath } = options
  if (socketPath === undefined) return undefined
  const siteUrl = process.env['MILLRACE_CONSOLE_URL'] ?? ''
  const child = await ConsoleChild.open({ socketPath, siteUrl, broker, admin, clock, logger })
  teardown.add('the console', () => child.close())
  reportListening(options)
  return child
}
