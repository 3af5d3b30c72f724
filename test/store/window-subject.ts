import type { Windowed } from '../../lib/common/windowed.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import type { Engine } from '../../lib/store/engine/engine.ts'
import type { CachedStore, ValueAndTimestamp } from '../../lib/store/contract/key-value-store.ts'
import type { StoreBuilder } from '../../lib/store/contract/state-store.ts'
import { stores } from '../../lib/store/builders/stores.ts'
import type { WindowStore } from '../../lib/store/contract/window-store.ts'
import { StoreHarness } from './store-harness.ts'

export interface WindowSubject {
  readonly engine: 'memory' | 'level'
  openEngine(): Promise<{ engine: Engine; dispose(): Promise<void> }>
  readonly caching: boolean
  readonly coalescing: boolean
  readonly timestamped: boolean
  readonly retainDuplicates: boolean
  /** So small that hardly anything clean stays in memory, or undefined. */
  readonly readCacheBytesMax?: number
}

/** Values are told apart from their pairs by an adapter: plain ones go in and come out. */
export type WindowedTexts = WindowStore<string, string> & CachedStore<Windowed<string>, string>

export const RETENTION_MS = 100
export const SIZE_MS = 10

export async function openWindowSubject(
  subject: WindowSubject,
  engine: Engine,
): Promise<StoreHarness<WindowedTexts>> {
  const { caching, retainDuplicates, readCacheBytesMax } = subject
  const options = {
    name: 'store',
    keySerde: serdes.string(),
    valueSerde: serdes.string(),
    retentionMs: RETENTION_MS,
    windowSizeMs: SIZE_MS,
    retainDuplicates,
    caching,
    persistent: engine.persistent,
  }
  const builder = subject.timestamped
    ? withoutTimestamps(stores.timestampedWindowStore(options), () => harness)
    : stores.windowStore(options)
  const harness: StoreHarness<WindowedTexts> = new StoreHarness<WindowedTexts>(builder, {
    engine,
    coalescing: subject.coalescing,
    cacheBytesMax: 1_000_000,
    ...(readCacheBytesMax === undefined ? {} : { readCacheBytesMax }),
  })
  await harness.open()
  return harness
}

/**
 * A timestamped store seen as a plain one, so that one suite serves both: values go in with the time of the
 * record.
 */
function withoutTimestamps(
  builder: StoreBuilder<WindowStore<string, ValueAndTimestamp<string>>>,
  harness: () => StoreHarness<WindowedTexts>,
): StoreBuilder<WindowedTexts> {
  return {
    ...builder,
    build() {
      const store = builder.build()
      const { open: openStore, put } = store
      return Object.assign(store, {
        put: (key: string, value: string | null, start: number) =>
          put.call(
            store,
            key,
            value === null ? null : { value, timestamp: harness().recordContext().timestamp },
            start,
          ),
        open(context: Parameters<typeof openStore>[0]) {
          openStore.call(store, context)
          const { values } = (
            store as unknown as { entries: { resources(): { values: object } } }
          ).entries.resources()
          const read = (values as { read(state: unknown): ValueAndTimestamp<string> | undefined }).read
          Object.assign(values, { read: (state: unknown) => read.call(values, state)?.value })
        },
      }) as unknown as WindowedTexts
    },
  }
}

export function rows(entries: Iterable<readonly [Windowed<string>, string]>): string[] {
  return Array.from(
    entries,
    ([{ key, window }, value]) => `${key}@${window.startMs}/${window.endMs}=${value}`,
  )
}

export function windows(entries: Iterable<readonly [number, string]>): string[] {
  return Array.from(entries, ([start, value]) => `${start}=${value}`)
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const item of items) found.push(item)
  return found
}
