import { createRequire } from 'node:module'

const requireHere = createRequire(import.meta.url)

/**
 * A CommonJS package that only some programs use, loaded at its first use: at the top of a file each start
 * would pay for it, for rxjs and avsc alone an eighth of a second. Required, not imported: `import` first
 * reads all of its files for the names that they export, waits for a module loader if there is one, and hands
 * out default exports in another shape than some loaders do.
 */
export function latePackage<T>(name: string): () => T {
  let loaded: T | undefined
  return () => (loaded ??= requireHere(name) as T)
}
