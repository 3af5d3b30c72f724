import { createRequire } from 'node:module'

/**
 * The version of this package, found by its own name, so that it is found from sources and from what is built
 * of them; `unknown` inside somebody's bundle.
 */
export function packageVersion(): string {
  try {
    return (createRequire(import.meta.url)('millrace/package.json') as { version: string }).version
  } catch {
    return 'unknown'
  }
}
