import { TopologyError } from '../../common/errors/errors.ts'
import { UNLIMITED_END_MS } from '../../common/windowed.ts'
import type { Serde } from '../../serde/serde.ts'
import { serdes } from '../../serde/serdes.ts'
import type { StoreBuilder } from '../../store/contract/state-store.ts'
import { stores } from '../../store/builders/stores.ts'
import type { TableStore } from './materialized.ts'
import type { WindowedTableOptions } from '../options/options.ts'
import type { AnyWindows } from '../windows/any-windows.ts'
import type { EmitStrategy } from '../windows/emit-strategy.ts'
import type { SessionWindows } from '../windows/session-windows.ts'

/**
 * The store of a windowed table: its settings, and the serde of the table's keys (undefined if that of the
 * inner key is).
 */
export interface WindowedStore {
  readonly builder: StoreBuilder
  readonly keySerde: Serde<unknown> | undefined
}

/** Throws `RETENTION_TOO_SHORT` where windows would be forgotten while records for them are still taken. */
export function windowedStore(
  store: TableStore,
  windows: AnyWindows,
  emit: EmitStrategy,
  options: Pick<WindowedTableOptions<unknown, unknown>, 'retentionMs'>,
): WindowedStore {
  const { keySerde } = store
  const settings = {
    ...store,
    retentionMs: retentionOf(store.name, windows, emit, options.retentionMs),
    // Results at the close are never held back. Only changes of time windows are, on their way to the
    // changelog, as in Kafka Streams.
    caching: store.caching && (emit === 'on-window-update' || windows.type === 'time'),
  }
  if (windows.type === 'session') {
    const { retentionMs } = settings
    // A record that is just not late may join sessions that retention has ended, directly or by way of
    // others. Kafka Streams finds them as long as its cache has them; they are kept for that long here.
    const cachedRetentionMs = Math.max(
      retentionMs,
      2 * (leastRetention(windows).ms + windows.inactivityGapMs),
    )
    return {
      builder: { ...stores.sessionStore({ ...settings, cachedRetentionMs }), keyedByRecord: true },
      keySerde: keySerde && serdes.sessionWindowed(keySerde),
    }
  }
  const windowSizeMs = sizeOf(windows)
  return {
    builder: {
      ...stores.timestampedWindowStore({ ...settings, windowSizeMs, keepHeaders: 'by-setting' }),
      keyedByRecord: true,
      ...(windows.type !== 'unlimited' && { windowGraceMs: windows.graceMs }),
    },
    keySerde: keySerde && serdes.windowed(keySerde, windowSizeMs),
  }
}

function sizeOf(windows: Exclude<AnyWindows, SessionWindows>): number {
  if (windows.type === 'unlimited') return UNLIMITED_END_MS
  return windows.type === 'sliding' ? windows.timeDifferenceMs : windows.sizeMs
}

function retentionOf(
  storeName: string,
  windows: AnyWindows,
  emit: EmitStrategy,
  givenMs: number | undefined,
): number {
  const least = leastRetention(windows)
  const retentionMs = givenMs ?? least.ms
  if (retentionMs >= least.ms) {
    return emit === 'on-window-close' ? Math.max(retentionMs, least.ms + lingerMs(windows)) : retentionMs
  }
  throw new TopologyError(
    'RETENTION_TOO_SHORT',
    `store "${storeName}": retentionMs is ${retentionMs}, but its windows need at least ${least.ms}: ${least.why}.`,
  )
}

/**
 * Time beyond the least retention, for results that must not be lost. With the least alone, a session ends in
 * the store at the very moment at which it may still be joined; and of sliding windows one that begins 1 ms
 * earlier shows the record whose right window is still open.
 */
function lingerMs({ type }: AnyWindows): number {
  if (type === 'session') return 1
  return type === 'sliding' ? 2 : 0
}

function leastRetention(windows: AnyWindows): { readonly ms: number; readonly why: string } {
  switch (windows.type) {
    case 'unlimited':
      return { ms: UNLIMITED_END_MS, why: 'they never end' }
    case 'time':
      return { ms: windows.sizeMs + windows.graceMs, why: 'their size plus the grace' }
    case 'sliding':
      // A record looks back at windows that began up to twice the difference before it.
      return {
        ms: 2 * windows.timeDifferenceMs + windows.graceMs,
        why: 'twice the time difference plus the grace',
      }
    case 'session':
      return { ms: windows.inactivityGapMs + windows.graceMs, why: 'the inactivity gap plus the grace' }
  }
}
