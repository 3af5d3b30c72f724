import { accessSync, constants } from 'node:fs'
import { createRequire, isBuiltin, type LoadHook, type ResolveHook } from 'node:module'
import { tmpdir } from 'node:os'
import { pathToFileURL } from 'node:url'

/** What the TypeScript loader exports for a thread of Node's module loader. */
interface TypeScriptHooks {
  initialize(data: object): void
  readonly resolve: ResolveHook
  readonly load: LoadHook
}

const requireHere = createRequire(import.meta.url)
const requireLoader = createRequire(requireHere.resolve('tsx/package.json'))

/**
 * What needs no TypeScript, and cannot wait for the loader: this package, which is built, and the loader
 * itself.
 */
const PLAIN_FOLDERS = [
  new URL('..', import.meta.url).href,
  folderOf(requireHere.resolve('tsx/package.json')),
  folderOf(requireLoader.resolve('esbuild/package.json')),
]

let typeScript: Promise<TypeScriptHooks> | undefined

/**
 * Runs while the program waits for this thread, which it needs not do for the TypeScript loader: the first
 * file of the topology does.
 */
export function initialize(): void {
  typeScript = loadTypeScript()
  // Told to whoever waits for it.
  typeScript.catch(() => undefined)
}

async function loadTypeScript(): Promise<TypeScriptHooks> {
  // Its cache is in the temporary folder, without which it would end: a container's file system may be
  // read-only.
  if (!mayWrite(tmpdir())) process.env['TSX_DISABLE_CACHE'] = '1'
  const name = 'tsx/esm'
  const hooks = (await import(name)) as TypeScriptHooks
  hooks.initialize({})
  return hooks
}

/**
 * The TypeScript loader's, with two corrections:
 *
 * - `millrace`, wherever it is imported, is the package that runs: not another copy in some node_modules, nor
 *   the sources to which the tsconfig.json of a clone maps the name. Two copies would not know each other's
 *   classes.
 * - A `.ts` file is an ES module even where the nearest package.json does not say `"type": "module"` (npm
 *   makes it so): loaded as CommonJS it could neither await nor import this package in time.
 */
export const resolve: ResolveHook = async (specifier, context, nextResolve) => {
  if (specifier === 'millrace' || specifier.startsWith('millrace/')) {
    // What CommonJS gets is a file that requires the module.
    const url = pathToFileURL(requireHere.resolve(specifier).replace(/\.cjs$/, '.js')).href
    return { url, format: 'module', shortCircuit: true }
  }
  // A topology's own file is imported by this package, by its URL.
  const isOurs = isPlain(context.parentURL) && !specifier.startsWith('file:')
  if (!typeScript || isOurs || isBuiltin(specifier)) return nextResolve(specifier, context)
  const resolved = await (await typeScript).resolve(specifier, context, nextResolve)
  if (resolved.format !== 'commonjs' || resolved.url.includes('/node_modules/')) return resolved
  // For CommonJS the TypeScript loader appends marks of its own to the URL.
  const plain = /^(.*\.tsx?)(?:(?:\?|%3F).*)?$/.exec(resolved.url)?.[1]
  return plain === undefined ? resolved : { ...resolved, url: plain, format: 'module' }
}

export const load: LoadHook = async (url, context, nextLoad) => {
  if (!typeScript || isBuiltin(url) || isPlain(url)) return nextLoad(url, context)
  return (await typeScript).load(url, context, nextLoad)
}

function mayWrite(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK)
    return true
  } catch {
    return false
  }
}

function isPlain(url: string | undefined): boolean {
  return PLAIN_FOLDERS.some(folder => url?.startsWith(folder))
}

function folderOf(file: string): string {
  return new URL('.', pathToFileURL(file)).href
}
