import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { missingJava, missingJdk, missingMaven } from '../support/java.ts'

const PROJECT = fileURLToPath(new URL('jvm/', import.meta.url))
const TARGET = join(PROJECT, 'target')
const run = promisify(execFile)

/** Why Kafka Streams cannot be asked on this machine, or undefined. */
export async function missingForOracle(): Promise<string | undefined> {
  return isBuilt() ? missingJava() : ((await missingJdk()) ?? missingMaven())
}

/** Writes cases with Kafka Streams' answers into the folder; the same seed makes the same cases. */
export async function generateCases(options: {
  readonly seed: number
  readonly count: number
  readonly folder: string
}): Promise<void> {
  if (!isBuilt()) await run('mvn', ['-q', '-B', 'compile', 'dependency:copy-dependencies'], { cwd: PROJECT })
  const classPath = `${join(TARGET, 'classes')}:${join(TARGET, 'dependency', '*')}`
  const { seed, count, folder } = options
  const words = ['generate', '--seed', String(seed), '--count', String(count), '--out', folder]
  await run('java', ['-cp', classPath, 'oracle.Oracle', ...words], { maxBuffer: 64 * 1024 * 1024 })
}

function isBuilt(): boolean {
  return existsSync(join(TARGET, 'classes')) && existsSync(join(TARGET, 'dependency'))
}
