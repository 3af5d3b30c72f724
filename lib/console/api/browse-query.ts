import type { Context } from 'hono'
import type { IsolationLevel } from '../../broker/broker.ts'
import { badParameter } from '../../http/http-error.ts'
import { Query } from '../../http/query.ts'
import { FORMATS, type Format } from './record-decoder.ts'
import type { RecordFilter } from './record-view.ts'

const PARAMETERS = [
  'partition',
  'from',
  'sinceMs',
  'limit',
  'contains',
  'key',
  'isolation',
  'format',
  'cursor',
] as const
const LIMIT = { least: 1, most: 500, byDefault: 50 }

/** Which records of a topic are asked for. */
export interface BrowseQuery {
  /** Undefined: all partitions. */
  readonly partition: number | undefined
  /** From the newest back, from the oldest on, or from an offset on. */
  readonly from: 'end' | 'start' | number
  readonly limit: number
  readonly isolation: IsolationLevel
  readonly format: Format
  readonly filter: RecordFilter
  /** Offsets by partition at which an answer before this one has stopped. */
  readonly cursor: ReadonlyMap<number, number> | undefined
}

export function browseQuery(c: Context): BrowseQuery {
  const query = new Query(c.req.queries(), PARAMETERS)
  const partition = query.has('partition')
    ? query.integer('partition', { least: 0, most: 1e6, byDefault: 0 })
    : undefined
  const isolation = oneOf(query, 'isolation', ['committed', 'uncommitted'] as const)
  return {
    partition,
    from: fromOf(query),
    limit: query.integer('limit', LIMIT),
    isolation: isolation === 'uncommitted' ? 'read_uncommitted' : 'read_committed',
    format: oneOf(query, 'format', FORMATS),
    filter: { sinceMs: query.timeMs('sinceMs'), contains: query.text('contains'), key: query.text('key') },
    cursor: query.has('cursor') ? cursorOf(query.text('cursor') ?? '') : undefined,
  }
}

export function cursorText(offsets: ReadonlyMap<number, number>): string {
  return Array.from(offsets, ([partition, offset]) => `${partition}.${offset}`).join('_')
}

function cursorOf(text: string): ReadonlyMap<number, number> {
  const pairs = text.split('_').map(pair => pair.split('.').map(Number))
  const isGood = pairs.every(
    pair => pair.length === 2 && pair.every(part => Number.isSafeInteger(part) && part >= 0),
  )
  if (!isGood) throw badParameter('cursor', 'it is none that an answer has given')
  return new Map(pairs as [number, number][])
}

function fromOf(query: Query): BrowseQuery['from'] {
  const text = query.text('from') ?? 'end'
  if (text === 'end' || text === 'start') return text
  const offset = /^\d{1,16}$/.test(text) ? Number(text) : NaN
  if (Number.isSafeInteger(offset)) return offset
  throw badParameter('from', `${JSON.stringify(text)} is neither start, end nor an offset`)
}

/** The first is the default. */
function oneOf<W extends string>(query: Query, name: string, words: readonly W[]): W {
  const text = query.text(name) ?? words[0]
  const word = words.find(each => each === text)
  if (word !== undefined) return word
  throw badParameter(name, `${JSON.stringify(text)} is none of ${words.join(', ')}`)
}
