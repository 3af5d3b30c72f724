import { InvalidArgumentError } from 'commander'
import type { LogLevel } from '../../common/logger.ts'

export const LOG_LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error']

/** One `NAME=VALUE`; the value may hold more equals signs. */
export interface Pair {
  readonly name: string
  readonly value: string
}

/** For an option that may be given several times. */
export function collectPairs(text: string, previous: readonly Pair[] = []): readonly Pair[] {
  const at = text.indexOf('=')
  if (at < 1 || at === text.length - 1) {
    throw new InvalidArgumentError('It must have the form NAME=VALUE, with something on both sides.')
  }
  return [...previous, { name: text.slice(0, at), value: text.slice(at + 1) }]
}

/** A topic, and the file of its lines; `-` is standard input. */
export interface InputOption extends Pair {
  /** The separator of this input alone; undefined: that of all. */
  readonly keySeparator?: string
}

const KEY = ',key='

/**
 * One `TOPIC=FILE`, or `TOPIC=FILE,key=SEPARATOR`; the separator goes to the end, so that it may be a comma.
 */
export function collectInputs(text: string, previous: readonly InputOption[] = []): readonly InputOption[] {
  const at = text.lastIndexOf(KEY)
  if (at < 0) return [...previous, ...collectPairs(text)]
  const [pair] = collectPairs(text.slice(0, at))
  const keySeparator = text.slice(at + KEY.length)
  if (keySeparator === '') throw new InvalidArgumentError('A separator must come after ",key=".')
  return [...previous, { ...pair!, keySeparator }]
}

export function collect(text: string, previous: readonly string[] = []): readonly string[] {
  return [...previous, text]
}

export function wholeFrom(least: number): (text: string) => number {
  return text => {
    const value = Number(text)
    if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value >= least) return value
    throw new InvalidArgumentError(`It must be a whole number of at least ${least}.`)
  }
}

/**
 * ISO 8601 as milliseconds since the epoch, UTC where it names no zone; undefined where it is something else.
 */
export function parseTime(text: string): number | undefined {
  const match = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?$/.exec(text)
  if (!match) return undefined
  const [, time, , , zone] = match
  // JavaScript takes a time without a zone for a local one; what a script prints must not hang on where it
  // runs.
  const ms = Date.parse(time !== undefined && zone === undefined ? `${text}Z` : text)
  return Number.isNaN(ms) ? undefined : ms
}
