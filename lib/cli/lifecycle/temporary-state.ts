import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { SharedOptions } from '../options/run-options.ts'

/**
 * Runs with a state directory that goes with the run, where the broker does: kept, its state would belong to
 * topics that the next run does not have. Whoever names a directory, by option or environment, keeps it; that
 * of the file's configuration is meant for brokers that stay.
 */
export async function withState(
  options: SharedOptions,
  run: (options: SharedOptions) => Promise<void>,
): Promise<void> {
  const isNamed = options.stateDir !== undefined || process.env['MILLRACE_STATE_DIR'] !== undefined
  if (options.brokers !== 'memory' || isNamed) return run(options)
  const stateDir = await mkdtemp(join(tmpdir(), 'millrace-state-'))
  try {
    await run({ ...options, stateDir })
  } finally {
    await rm(stateDir, { recursive: true, force: true })
  }
}
