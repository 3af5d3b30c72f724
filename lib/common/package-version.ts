import { createRequire } from 'node:module'

/**
 * The version of this package, looked up by the package's name, so that it is found from sources and from
 * built files; `unknown` inside somebody's bundle.
 */
export function packageVersion(): string {
  try {
    return (createRequire(import.meta.url)('millrace/package.json') as { version: string }).version
  } catch {
    return 'unknown'
  }
}
