import { createRequire, type ResolveHook } from 'node:module'
import { pathToFileURL } from 'node:url'

const requireHere = createRequire(import.meta.url)

/**
 * Runs in Node's loader thread, before the TypeScript loader. Two corrections:
 *
 * - `millrace`, wherever it is imported, is the package that runs: not another copy in some node_modules, nor the sources to which
 *   the tsconfig.json of a clone maps the name. Two copies would not know each other's classes.
 * - A `.ts` file is an ES module even where the nearest package.json does not say `"type": "module"` (npm makes it so): loaded as CommonJS
 *   it could neither await nor import this package in time.
 */
export const resolve: ResolveHook = async (specifier, context, nextResolve) => {
  if (specifier === 'millrace' || specifier.startsWith('millrace/')) {
    const url = pathToFileURL(requireHere.resolve(specifier)).href
    return { url, format: 'module', shortCircuit: true }
  }
  const resolved = await nextResolve(specifier, context)
  if (resolved.format !== 'commonjs' || resolved.url.includes('/node_modules/')) return resolved
  // For CommonJS the TypeScript loader appends marks of its own to the URL.
  const plain = /^(.*\.tsx?)(?:(?:\?|%3F).*)?$/.exec(resolved.url)?.[1]
  return plain === undefined ? resolved : { ...resolved, url: plain, format: 'module' }
}
