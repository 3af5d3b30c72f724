import { stat } from 'node:fs/promises'
import { register } from 'node:module'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { errorFrom, StreamsError } from '../../common/errors/errors.ts'
import type { TopologyFile, TopologySettings } from '../../streams/topology-file.ts'
import { Topology } from '../../topology/topology.ts'

export type LoadedTopologyFile = Omit<TopologyFile, 'default'> & {
  readonly path: string
  /** The default export is a function, to which settings go that are not the application's. */
  readonly takesSettings: boolean
  topology(settings: TopologySettings): Promise<Topology>
}

const EXPORTED =
  'it must be a Topology, such as builder.build() returns, or a function of settings that returns one'

let loaderReady = false

/** Throws `TOPOLOGY_FILE_MISSING`. */
export async function topologyPath(file: string): Promise<string> {
  const path = resolve(file)
  if (await isFile(path)) return path
  throw new StreamsError('TOPOLOGY_FILE_MISSING', `there is no file ${path}`)
}

/**
 * Throws as `topologyPath`; `TOPOLOGY_FILE_BROKEN` (with what the loader or the file's own code says),
 * `TOPOLOGY_FILE_INVALID`.
 */
export async function loadTopologyFile(file: string): Promise<LoadedTopologyFile> {
  const path = await topologyPath(file)
  // CommonJS in TypeScript cannot require the package: Node would have to require a module through a loader.
  if (/\.cts$/.test(path))
    throw invalid(
      file,
      'a topology in TypeScript is an ES module: name it .ts or .mts; or write it as .cjs, in JavaScript',
    )
  const exported = checkExports(file, await importFile(path))
  const { default: source, ...others } = exported
  return {
    ...others,
    path,
    takesSettings: typeof source === 'function',
    topology: async settings =>
      asTopology(file, typeof source === 'function' ? await source(settings) : source),
  }
}

async function isFile(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined)
  return found?.isFile() ?? false
}

/** A module in TypeScript or JavaScript. Rejects with what it throws. */
export async function importModule(path: string): Promise<unknown> {
  // What it imports of us is loaded before there is another loader to ask.
  await import('../../index.ts')
  startLoader()
  return await import(pathToFileURL(path).href)
}

async function importFile(path: string): Promise<unknown> {
  try {
    return await importModule(path)
  } catch (reason) {
    const cause = errorFrom(reason)
    // A topology that the file built wrongly says what is wrong itself, under its own code.
    if (cause instanceof StreamsError) throw cause
    throw new StreamsError('TOPOLOGY_FILE_BROKEN', `${path} does not load: ${cause.message}`, { cause })
  }
}

/**
 * TypeScript files can be imported from now on. It takes a while in a thread of its own, which begins here:
 * so the earlier, the more can be done beside it.
 */
export function startLoader(): void {
  if (loaderReady) return
  loaderReady = true
  // Errors in a TypeScript file are told by its lines.
  process.setSourceMapsEnabled(true)
  registerQuietly()
}

/**
 * Node 26 calls `module.register` deprecated (DEP0205). What takes its place runs in the main thread, without
 * `await`, which the TypeScript loader needs; the user can do nothing about it, and is not told at every
 * start.
 */
function registerQuietly(): void {
  const { noDeprecation = false } = process
  process.noDeprecation = true
  try {
    // The built file: Node's loader thread reads no TypeScript.
    register('./topology-hooks.js', import.meta.url)
  } finally {
    process.noDeprecation = noDeprecation
  }
}

function checkExports(file: string, exported: unknown): TopologyFile {
  const found = exported as { readonly [name: string]: unknown }
  const { default: source, topics = [], config = {}, service } = found
  if (source === undefined) throw invalid(file, `it has no default export: ${EXPORTED}`)
  if (typeof source !== 'function') asTopology(file, source)
  if (!Array.isArray(topics))
    throw invalid(file, 'its export "topics" must be an array of { topic, partitionCount }')
  if (typeof config !== 'object' || config === null)
    throw invalid(file, 'its export "config" must be an object')
  if (service !== undefined && typeof service !== 'function') {
    throw invalid(file, 'its export "service" must be a function that returns an async disposable')
  }
  return found as unknown as TopologyFile
}

function asTopology(file: string, value: unknown): Topology {
  if (value instanceof Topology) return value
  // Same shape, another class: it came by a path instead of the package's name.
  const isForeign = typeof (value as { plan?: unknown } | null | undefined)?.plan === 'function'
  if (isForeign) {
    throw invalid(
      file,
      "its topology was made by another copy of millrace: import from 'millrace', not from a path",
    )
  }
  throw invalid(file, `its topology is ${value === null ? 'null' : `of type ${typeof value}`}: ${EXPORTED}`)
}

function invalid(file: string, what: string): StreamsError {
  return new StreamsError('TOPOLOGY_FILE_INVALID', `${file} cannot be run: ${what}`)
}
