import { execFile } from 'node:child_process'
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Side } from './application.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const CLI = join(ROOT, 'dist/cli/main.js')
const TOPOLOGIES = fileURLToPath(new URL('topologies.ts', import.meta.url))

/** Millrace as its users run it: the built command line, with a topology file. */
export const millraceSide: Side = {
  name: 'millrace',
  title: 'Millrace',
  command: spec => {
    const set = {
      workload: spec.workload,
      input: spec.input,
      right: spec.right,
      output: spec.output,
      processingGuarantee: spec.guarantee,
      commitIntervalMs: spec.commitMs,
      cacheBytesMax: spec.cacheBytes,
      // The restore begins with a changelog made by hand, without any offset.
      offsetsLost: 'accept',
    }
    const options = ['--brokers', spec.brokers, '--application-id', spec.applicationId]
    const settings = Object.entries(set).flatMap(([name, value]) =>
      value === '' ? [] : ['--set', `${name}=${value}`],
    )
    return {
      program: process.execPath,
      args: [CLI, 'run', TOPOLOGIES, ...options, '--state-dir', spec.stateDir, ...settings],
    }
  },
}

/** The command line with `--processes`: several members of one group. */
export function millraceProcesses(count: number): Side {
  return {
    ...millraceSide,
    command: spec => {
      const { program, args } = millraceSide.command(spec)
      return { program, args: [...args, '--processes', String(count)] }
    },
  }
}

/**
 * Builds the package if a source is younger than what was built: else an earlier state of the code would be
 * measured.
 */
export async function buildIfStale(say: (line: string) => void): Promise<void> {
  if (modifiedMs(CLI) >= newestMs(join(ROOT, 'lib'))) return
  say('building Millrace')
  await promisify(execFile)('npm', ['run', 'build'], { cwd: ROOT }).catch((reason: unknown) => {
    const { stdout, message } = reason as Error & { stdout?: string }
    throw new Error(`Millrace does not build: ${stdout ?? message}`)
  })
}

function newestMs(folder: string): number {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  return Math.max(...files.filter(name => name.endsWith('.ts')).map(name => modifiedMs(join(folder, name))))
}

function modifiedMs(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0
}
