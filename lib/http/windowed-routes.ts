import type { Windowed } from '../common/windowed.ts'
import type { ValueAndTimestamp } from '../store/contract/key-value-store.ts'
import type { KafkaStreams } from '../streams/kafka-streams.ts'
import { wrongKind } from './http-error.ts'
import { checkComplete, partitionOf } from './key-route.ts'
import type { Query } from './query.ts'
import type { ServedStore } from './served-stores.ts'

export const WINDOW_PARAMETERS = ['from', 'to', 'limit', 'reverse'] as const
const LIMIT = { least: 1, most: 1000, byDefault: 100 }

/**
 * The windows of a key that start from `from` to `to`, both included. `next`: the start at which to go on, as
 * `from`, or as `to` where the order is reversed.
 */
export async function readWindows(
  streams: KafkaStreams,
  store: ServedStore,
  text: string,
  query: Query,
): Promise<object> {
  const { name, kind, isTimestamped, windowSizeMs } = store
  if (store.reading !== 'windows') throw wrongKind(name, kind, 'it has no windows')
  const key = store.parseKey(text, 'key')
  const starts = { fromMs: query.timeMs('from'), toMs: query.timeMs('to') }
  const windows = isTimestamped
    ? streams.timestampedWindowStore<unknown, unknown>(name)
    : streams.windowStore<unknown, unknown>(name)
  const rows = query.flag('reverse') ? windows.backwardFetch(key, starts) : windows.fetch(key, starts)
  const { page, next } = await pageOf(rows, query.integer('limit', LIMIT), ([start]) => start)
  const shown = page.map(([start, stored]) => {
    const span = { start, end: windowSizeMs === undefined ? null : start + windowSizeMs }
    if (!isTimestamped) return { ...span, value: stored }
    const { value, timestamp } = stored as ValueAndTimestamp<unknown>
    return { ...span, value, timestamp }
  })
  if (shown.length === 0) checkComplete(streams, store, key)
  return { store: name, key, windows: shown, next, partition: partitionOf(streams, store, key) }
}

/**
 * The sessions of a key that overlap the time from `from` to `to`. `next`: a time at which to go on, as
 * `from` (a session's end), or as `to` (its start) in reversed order.
 */
export async function readSessions(
  streams: KafkaStreams,
  store: ServedStore,
  text: string,
  query: Query,
): Promise<object> {
  const { name, kind } = store
  if (store.reading !== 'sessions') throw wrongKind(name, kind, 'it has no sessions')
  const key = store.parseKey(text, 'key')
  const [from = 0, to = Number.MAX_SAFE_INTEGER] = [query.timeMs('from'), query.timeMs('to')]
  const span = { earliestEndMs: from, latestStartMs: to }
  const reverse = query.flag('reverse')
  const sessions = streams.sessionStore<unknown, unknown>(name)
  const rows = reverse ? sessions.backwardFindSessions(key, span) : sessions.findSessions(key, span)
  const timeOf = ([{ window }]: readonly [Windowed<unknown>, unknown]) =>
    reverse ? window.startMs : window.endMs
  const { page, next } = await pageOf(rows, query.integer('limit', LIMIT), timeOf)
  const shown = page.map(([{ window }, value]) => ({ start: window.startMs, end: window.endMs, value }))
  if (shown.length === 0) checkComplete(streams, store, key)
  return { store: name, key, sessions: shown, next, partition: partitionOf(streams, store, key) }
}

/** Rows of one time are on one page, however many: the next page begins with another time. */
async function pageOf<R>(
  rows: AsyncIterable<R>,
  limit: number,
  timeOf: (row: R) => number,
): Promise<{ readonly page: readonly R[]; readonly next: number | null }> {
  const page: R[] = []
  for await (const row of rows) {
    const last = page.at(-1)
    if (last !== undefined && page.length >= limit && timeOf(row) !== timeOf(last)) {
      return { page, next: timeOf(row) }
    }
    page.push(row)
  }
  return { page, next: null }
}
