import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { StreamsError } from '../../common/errors/errors.ts'

const MANAGERS = ['npm', 'pnpm', 'yarn', 'bun'] as const
type PackageManager = (typeof MANAGERS)[number]

/** The one that runs this program, as it says itself; npm otherwise. */
export function packageManager({ npm_config_user_agent: agent = '' }: NodeJS.ProcessEnv): PackageManager {
  return MANAGERS.find(name => agent.startsWith(`${name}/`)) ?? 'npm'
}

/** Its output is shown. Rejects with `INSTALL_FAILED`, and the project stays. */
export async function installDependencies(manager: PackageManager, directory: string): Promise<void> {
  const failed = (what: string, cause?: unknown) =>
    new StreamsError(
      'INSTALL_FAILED',
      `${manager} install in ${directory} ${what}; the project is there: install by hand`,
      { cause },
    )
  // On Windows a package manager is a script, which only a shell runs.
  const child = spawn(manager, ['install'], {
    cwd: directory,
    stdio: 'inherit',
    shell: process.platform === 'win32',
  })
  const [code, signal] = (await once(child, 'exit').catch((reason: unknown) => {
    throw failed('cannot be run', reason)
  })) as [number | null, NodeJS.Signals | null]
  if (code !== 0) throw failed(signal ? `was ended by ${signal}` : `ended with exit code ${code}`)
}
