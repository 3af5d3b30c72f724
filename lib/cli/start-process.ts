import { fork, type ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { present } from '../common/assert.ts'
import type { Job } from './job.ts'

/**
 * Starts this program again for one of `--processes`, with a state directory of its own. Input, output and topics stay with the
 * supervisor; its channel to the process tells that one when the supervisor is gone.
 */
export function startProcess(job: Job, index: number): ChildProcess {
  const program = present(process.argv[1], 'the path of this program')
  return fork(program, processArguments(job, index), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
}

function processArguments({ options, config }: Job, index: number): string[] {
  return [
    'run',
    options.file,
    '--brokers',
    options.brokers,
    ...(options.clientConfig === undefined ? [] : ['--client-config', options.clientConfig]),
    ...(options.fetch === undefined ? [] : ['--fetch', options.fetch]),
    ...(options.produce === undefined ? [] : ['--produce', options.produce]),
    '--application-id',
    config.applicationId,
    '--state-dir',
    join(config.stateDir, `process-${index}`),
    ...options.set.flatMap(({ name, value }) => ['--set', `${name}=${value}`]),
    '--partitions',
    String(options.partitions),
    ...(options.createTopics ? ['--create-topics'] : []),
    '--log-level',
    options.logLevel,
    '--process-index',
    String(index),
  ]
}
