import { execFile } from 'node:child_process'
import { mkdir, symlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'vitest'
import { ROOT } from './built-cli.ts'
import { directoryWith, runCli } from './cli-process.ts'

const PACKAGES = ['@hono/node-server', '@types/node', 'hono', 'typescript', 'vitest']

/**
 * A project made by `millrace init`, with what it depends on linked to this repository's: nothing is fetched.
 */
export async function newProject(...args: string[]): Promise<string> {
  const directory = await directoryWith({})
  const end = await runCli(['init', 'app', ...args], { directory })
  expect(end).toMatchObject({ code: 0, stderr: '' })
  const project = join(directory, 'app')
  await link(ROOT, join(project, 'node_modules/millrace'))
  for (const name of PACKAGES) {
    await link(join(ROOT, 'node_modules', name), join(project, 'node_modules', name))
  }
  return project
}

async function link(target: string, path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await symlink(target, path)
}

/** Rejects, with the output, where the program fails. */
export async function runIn(project: string, program: string, ...args: string[]): Promise<string> {
  const env = { ...process.env, MILLRACE_BROKERS: '' }
  const path = join(project, 'node_modules', program)
  const { stdout } = await promisify(execFile)(process.execPath, [path, ...args], {
    cwd: project,
    env,
  }).catch((error: Error & { stdout?: string }) => {
    throw new Error(`${error.message}\n${error.stdout ?? ''}`, { cause: error })
  })
  return stdout
}
