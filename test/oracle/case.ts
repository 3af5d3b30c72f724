import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** What a JSON file of `cases/` says; the language is described in `README.md` next to it. */
export interface Case {
  readonly name: string
  readonly about: string
  readonly config?: { readonly [setting: string]: unknown }
  readonly topics?: { readonly [topic: string]: { readonly key?: string; readonly value?: string } }
  readonly startWallClockMs?: number
  readonly topology: readonly Operation[]
  readonly input?: readonly Input[]
  readonly recordInternal?: boolean
  readonly omit?: readonly string[]
  readonly expect: Expectation
  /** Sections that are otherwise here than in Kafka Streams, on purpose; `about` says why. */
  readonly here?: Partial<Expectation>
}

/** One step of building a topology. Which fields there are depends on `op`; all are looked up by name. */
export interface Operation {
  readonly op: string
  readonly id?: string
  readonly of?: string
  readonly with?: string
  readonly [field: string]: unknown
}

export interface Input {
  readonly topic?: string
  readonly key?: unknown
  readonly value?: unknown
  readonly keyHex?: string
  readonly valueHex?: string
  readonly timestamp?: number
  readonly headers?: readonly (readonly [string, string | null])[]
  readonly advanceWallClockMs?: number
}

export interface ExpectedRecord {
  readonly key: unknown
  readonly value: unknown
  /** Null where the producer's clock decides. */
  readonly timestamp: number | null
  readonly headers?: readonly (readonly [string, string | null])[]
}

export interface Expectation {
  readonly describe?: readonly string[]
  readonly output?: { readonly [topic: string]: readonly ExpectedRecord[] }
  readonly stores?: { readonly [store: string]: unknown }
  readonly internalTopics?: { readonly [topic: string]: number | readonly ExpectedRecord[] }
  readonly trace?: readonly (readonly [string, unknown, unknown])[]
  readonly metrics?: { readonly 'dropped-records-total': number }
  readonly error?: { readonly kind: 'build' | 'start' | 'runtime'; readonly atInput?: number }
}

const FOLDER = fileURLToPath(new URL('cases/', import.meta.url))

export function readCases(): Case[] {
  return Array.from(readCaseFiles([FOLDER]), ([, test]) => test)
}

/** Cases of files and folders, each with its path. Read one by one: a fuzz run has thousands. */
export function* readCaseFiles(paths: readonly string[]): Iterable<readonly [string, Case]> {
  for (const path of paths) {
    const isFolder = statSync(path).isDirectory()
    const names = isFolder ? readdirSync(path).filter(name => name.endsWith('.json')) : []
    const files = isFolder ? names.sort().map(name => join(path, name)) : [path]
    for (const file of files) yield [file, JSON.parse(readFileSync(file, 'utf8')) as Case]
  }
}

/**
 * A case needs something that is not built yet. `what` is the operation or setting, so that the waiting list
 * can be counted by it.
 */
export class Unsupported extends Error {
  readonly what: string

  constructor(what: string) {
    super(`not supported yet: ${what}`)
    this.what = what
  }
}

export function text(operation: { readonly [field: string]: unknown }, field: string): string | undefined {
  const value = operation[field]
  return typeof value === 'string' ? value : undefined
}

export function texts(operation: { readonly [field: string]: unknown }, field: string): string[] {
  const value = operation[field]
  return Array.isArray(value) ? value.map(String) : []
}
