import type { Windowed } from '../../lib/common/windowed.ts'
import type { ProcessorContext } from '../../lib/processor/processor-context.ts'
import type { Record } from '../../lib/processor/record.ts'
import type { SessionStore } from '../../lib/store/contract/session-store.ts'
import type { StateStore } from '../../lib/store/contract/state-store.ts'
import type { WindowStore } from '../../lib/store/contract/window-store.ts'
import { Unsupported } from './case.ts'
import { printed } from './serdes.ts'

type AnyRecord = Record<unknown, unknown>
type Windows = WindowStore<unknown, unknown>
type Sessions = SessionStore<unknown, unknown>
type Entries = Iterable<readonly [Windowed<unknown>, unknown]>

interface Scope {
  readonly context: ProcessorContext
  readonly argument: string
  store(): StateStore
}

type Steps = { readonly [name: string]: (record: AnyRecord, scope: Scope) => void }

export const WINDOW_STEPS: Steps = {
  'proc.put': (record, { store }) => (store() as Windows).put(record.key, record.value, record.timestamp),
  'proc.get': (record, { context, store }) =>
    found(record, context, (store() as Windows).fetch(record.key, record.timestamp)),
  'proc.scan': (record, { context, store, argument }) =>
    context.forward(record.withValue(shown(scanWindows(store() as Windows, argument, record)))),
}

export const SESSION_STEPS: Steps = {
  'proc.put': (record, { store }) => (store() as Sessions).put(pointOf(record), record.value),
  'proc.get': (record, { context, store }) =>
    found(record, context, (store() as Sessions).fetchSession(record.key, pointOf(record).window)),
  'proc.scan': (record, { context, store, argument }) =>
    context.forward(record.withValue(shown(scanSessions(store() as Sessions, argument, record)))),
}

function pointOf({ key, timestamp }: AnyRecord): Windowed<unknown> {
  return { key, window: { startMs: timestamp, endMs: timestamp } }
}

function found(record: AnyRecord, context: ProcessorContext, value: unknown): void {
  context.forward(record.withValue(`${printed(record.value)}=${printed(value ?? null)}`))
}

function shown(entries: Entries): string {
  return Array.from(
    entries,
    ([{ key, window }, value]) => `${printed(key)}@${window.startMs}/${window.endMs}=${printed(value)}`,
  ).join(',')
}

function scanWindows(store: Windows, how: string, record: AnyRecord): Entries {
  const [fromMs, toMs] = bounds(record)
  switch (how) {
    case 'range':
      return ofKey(store, record.key, store.fetch(record.key, { fromMs, toMs }))
    case 'reverseRange':
      return ofKey(store, record.key, store.backwardFetch(record.key, { fromMs, toMs }))
    case 'all':
      return store.fetchAll({ fromMs, toMs })
    case 'reverseAll':
      return store.backwardFetchAll({ fromMs, toMs })
    default:
      throw new Unsupported(`proc.scan(${how}) of windows`)
  }
}

function* ofKey(
  { windowSizeMs }: Windows,
  key: unknown,
  windows: Iterable<readonly [number, unknown]>,
): Iterable<readonly [Windowed<unknown>, unknown]> {
  for (const [startMs, value] of windows)
    yield [{ key, window: { startMs, endMs: startMs + windowSizeMs } }, value]
}

function scanSessions(store: Sessions, how: string, record: AnyRecord): Entries {
  const [earliestEndMs, latestStartMs] = bounds(record)
  if (how === 'range') return store.findSessions(record.key, { earliestEndMs, latestStartMs })
  if (how === 'reverseRange') return store.backwardFindSessions(record.key, { earliestEndMs, latestStartMs })
  throw new Unsupported(`proc.scan(${how}) of sessions`)
}

function bounds(record: AnyRecord): [number, number] {
  const [from = '', to = ''] = String(record.value).split(':')
  return [Number(from), Number(to)]
}
