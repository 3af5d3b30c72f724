import type { Admin, Broker } from '../../broker/broker.ts'
import { errorFrom } from '../../common/errors/errors.ts'
import type { Ending } from '../lifecycle/ending.ts'
import type { Job } from './job.ts'
import { printFormats } from '../records/record-format.ts'
import type { Teardown } from '../lifecycle/teardown.ts'
import { terminalProgress } from '../output/terminal.ts'
import { TopicPrinter } from '../records/topic-printer.ts'

/**
 * Prints the `--print` topics to standard output until the application has closed, all of its last commit
 * included.
 */
export async function startPrinting(
  job: Job,
  { broker, admin, ending, teardown }: { broker: Broker; admin: Admin; ending: Ending; teardown: Teardown },
): Promise<void> {
  const { options, plan, config, clock, logger } = job
  if (options.print.length === 0) return
  const formats = printFormats(options.printFormat, options.print, { plan, config })
  const output = process.stdout
  const onWrite = () => terminalProgress.clear()
  const printer = await TopicPrinter.open({ broker, admin, formats, output, onWrite, clock, logger })
  const onError = (error: Error) => {
    // Whoever reads our output may have seen enough (`| head`): that is no failure.
    if ('code' in error && error.code === 'EPIPE') ending.stop()
    else ending.fail(error)
  }
  output.on('error', onError)
  const running = printer.run()
  running.catch((reason: unknown) => onError(errorFrom(reason)))
  teardown.add('the output', async () => {
    await printer.finish()
    await running.catch(() => undefined)
    output.off('error', onError)
    await printer.close()
  })
}
