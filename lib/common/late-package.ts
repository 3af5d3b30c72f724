import { createRequire } from 'node:module'

const requireHere = createRequire(import.meta.url)

/**
 * A CommonJS package that only some programs use, loaded at its first use: at the top of a file each start would pay for it, rxjs and
 * avsc alone an eighth of a second. `require` also knows one shape of default exports, where loaders (Node, Vite, tsx) know two.
 */
export function latePackage<T>(name: string): () => T {
  let loaded: T | undefined
  return () => (loaded ??= requireHere(name) as T)
}
