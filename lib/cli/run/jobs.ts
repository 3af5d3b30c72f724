import { UsageError } from '../output/exit-code.ts'
import { prepareJob, type Job } from './job.ts'
import type { SharedOptions } from '../options/run-options.ts'

/** One for each file, at least one; they share the broker of the first. */
export type Jobs = readonly [Job, ...Job[]]

const PORT_MAX = 65_535

/**
 * Throws a `UsageError` for options that are meant for one application, and for files that would be the same
 * one.
 */
export async function prepareJobs(
  [first, ...others]: readonly string[],
  options: SharedOptions,
): Promise<Jobs> {
  if (first === undefined) throw new UsageError('FILE_MISSING', 'name at least one topology file')
  const job = await prepareJob({ ...options, file: first })
  if (others.length === 0) return [job]
  checkForSeveral(options)
  const jobs: Jobs = [job, ...(await Promise.all(others.map(file => prepareJob({ ...options, file }))))]
  checkIds(jobs)
  const [head, ...tail] = jobs.map((each, at) => ({ ...each, port: portBehind(each.port, at + 1) }))
  return [head!, ...tail]
}

function checkForSeveral(options: SharedOptions): void {
  const given = [
    options.applicationId !== undefined && whereIdIsFrom(options),
    options.input.length > 0 && '--input',
    options.print.length > 0 && '--print',
    options.processes > 1 && '--processes',
    options.exitWhenIdle && '--exit-when-idle',
  ].find(Boolean)
  if (!given) return
  throw new UsageError('ONE_FILE_ONLY', `${given} is for one application: run each file by itself for it`)
}

function whereIdIsFrom({ applicationId, configFile }: SharedOptions): string {
  if (configFile?.applicationId === applicationId) return `applicationId in ${configFile?.name}`
  const variable = 'MILLRACE_APPLICATION_ID'
  return process.env[variable] === applicationId ? variable : '--application-id'
}

function checkIds(jobs: Jobs): void {
  const ids = jobs.map(({ config }) => config.applicationId)
  const twice = ids.find((id, at) => ids.indexOf(id) < at)
  if (twice === undefined) return
  throw new UsageError(
    'APPLICATION_TWICE',
    `two of the files are the application "${twice}": they would have the same group and the same state`,
  )
}

/** Port 0 takes a free one for each. */
function portBehind(port: number, places: number): number {
  if (port === 0) return 0
  if (port + places <= PORT_MAX) return port + places
  throw new UsageError(
    'INVALID_PORT',
    `PORT is ${port}: there must be ${places} more behind it, for the services`,
  )
}
