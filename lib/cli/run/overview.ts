import { OverviewServer } from '../../server/overview-server.ts'
import type { ApplicationProgress } from './application.ts'
import type { Job } from './job.ts'
import type { Jobs } from './jobs.ts'
import type { Teardown } from '../lifecycle/teardown.ts'

/**
 * The page in front of several applications, at the port before theirs. It is up before they are, and shows
 * them starting.
 */
export async function startOverview(
  jobs: Jobs,
  teardown: Teardown,
): Promise<{ tell(job: Job, progress: ApplicationProgress): void }> {
  const [{ host, port, logger, clock, options }] = jobs
  const server = new OverviewServer(
    jobs.map(({ config, file }) => ({
      applicationId: config.applicationId,
      title: file.about?.title ?? config.applicationId,
      description: file.about?.description ?? '',
      hasService: file.service !== undefined,
    })),
    { brokers: options.brokers, clock },
  )
  const url = await server.listen(host, port === 0 ? 0 : port - 1)
  teardown.add('the overview', () => server.close())
  logger.log('info', `all applications on ${url}`)
  return {
    tell: ({ config }, progress) => server.tell(config.applicationId, progress),
  }
}
