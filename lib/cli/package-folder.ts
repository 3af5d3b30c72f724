import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

/** This package's own folder: two above this file, and above every built one that may hold it. */
export const PACKAGE_FOLDER = fileURLToPath(new URL('../..', import.meta.url))

export function packageVersion(): string {
  const { version } = createRequire(import.meta.url)('../../package.json') as { version: string }
  return version
}
