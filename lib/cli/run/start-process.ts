import { fork, type ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { present } from '../../common/assert.ts'
import type { Job } from './job.ts'
import { runArguments } from '../options/run-arguments.ts'
import type { SharedOptions } from '../options/run-options.ts'

/** What stays with the supervisor of `--processes`. */
const OWN: ReadonlySet<keyof SharedOptions> = new Set(['input', 'inputKeySeparator', 'print', 'printFormat'])

/**
 * Starts this program again for one of `--processes`, with a state directory of its own. Input, output and
 * topics stay with the supervisor; its channel to the process tells that one when the supervisor is gone.
 */
export function startProcess({ options, config }: Job, index: number): ChildProcess {
  const { applicationId } = config
  const stateDir = join(config.stateDir, `process-${index}`)
  const args = runArguments({ ...options, applicationId, stateDir }, name => !OWN.has(name))
  return startRun([options.file, ...args, '--process-index', String(index)], 'ignore')
}

/** `millrace run` with these arguments; it ends when this process does. */
export function startRun(
  args: readonly string[],
  stdin: 'ignore' | 'inherit',
  environment: { readonly [name: string]: string } = {},
): ChildProcess {
  const program = present(process.argv[1], 'the path of this program')
  const env = { ...process.env, ...environment }
  return fork(program, ['run', ...args], { env, stdio: [stdin, 'inherit', 'inherit', 'ipc'] })
}
