// Checked by the compiler alone (`npm run check:types`): nothing here runs. A line below an expected error
// (ts-expect-error) must not compile.
import type { Windowed } from '../../lib/common/windowed.ts'
import type { KStream, KTable } from '../../lib/dsl/api/kstream.ts'
import { StreamsBuilder } from '../../lib/dsl/methods/streams-builder.ts'
import { sessionWindows } from '../../lib/dsl/windows/session-windows.ts'
import { slidingWindows } from '../../lib/dsl/windows/sliding-windows.ts'
import { timeWindows } from '../../lib/dsl/windows/time-windows.ts'
import { unlimitedWindows } from '../../lib/dsl/windows/unlimited-windows.ts'
import { serdes } from '../../lib/serde/serdes.ts'

interface View {
  readonly page: string
  readonly ms: number
}

interface Totals {
  readonly views: number
  readonly ms: number
}

const builder = new StreamsBuilder()
const views = builder.stream('views', { keySerde: serdes.string(), valueSerde: serdes.json<View>() })
const byPage = views.groupBy(view => view.page, { keySerde: serdes.string() })
const minutes = timeWindows({ sizeMs: 60_000, graceMs: 0 })
const sliding = slidingWindows({ timeDifferenceMs: 1000, graceMs: 0 })
const sessions = sessionWindows({ inactivityGapMs: 1000, graceMs: 0 })

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
/** Compiles only if the value's type is exactly this one. */
function exactly<Expected>() {
  return <Found>(_value: Found, _equal: Equal<Found, Expected>): void => undefined
}

export function inference(): void {
  const counts = byPage.windowedBy(minutes).count({ storeName: 'views-per-minute', retentionMs: 3_600_000 })
  exactly<KTable<Windowed<string>, number, never>>()(counts, true)
  const totals = byPage.windowedBy(sliding).aggregate(
    () => ({ views: 0, ms: 0 }),
    (sum, view, page) => ({ views: sum.views + page.length, ms: sum.ms + view.ms }),
  )
  exactly<KTable<Windowed<string>, { views: number; ms: number }, never>>()(totals, true)
  const longest = byPage.windowedBy(unlimitedWindows()).reduce((a, b) => (a.ms > b.ms ? a : b))
  exactly<KTable<Windowed<string>, View, never>>()(longest, true)
  // Sessions that become one are deleted, whatever the functions return.
  const lengths = byPage.windowedBy(sessions).aggregate(
    () => 0,
    (sum, view) => sum + view.ms,
    (left, right) => left + right,
  )
  exactly<KTable<Windowed<string>, number, null>>()(lengths, true)
  exactly<KStream<Windowed<string>, number | null>>()(lengths.toStream(), true)
}

export function windowedKeys(): void {
  const counts = byPage.windowedBy(minutes).emitStrategy('on-window-close').count()
  // @ts-expect-error stores of windows are always read in ranges
  byPage.windowedBy(minutes).count({ storeName: 'minutes', ranges: true })
  byPage.count({ storeName: 'pages', ranges: true })
  const lines = counts
    .toStream()
    .mapValues((count, key) => `${key.key} ${key.window.startMs} ${count.toFixed()}`)
  exactly<KStream<Windowed<string>, string>>()(lines, true)
  const byStart = counts.toStream().selectKey((_count, key) => key.window.startMs)
  exactly<KStream<number, number>>()(byStart, true)
  counts
    .toStream()
    .to('counts', { keySerde: serdes.windowed(serdes.string(), 60_000), valueSerde: serdes.int64() })
  // @ts-expect-error the key is in a window
  counts.toStream().to('counts', { keySerde: serdes.string() })
  // @ts-expect-error a windowed key has no such part
  counts.filter((_count, key) => key.start > 0)
  const joined = counts.join(
    byPage.windowedBy(minutes).reduce(a => a),
    (count, view) => count * view.ms,
  )
  exactly<KTable<Windowed<string>, number>>()(joined, true)
  // @ts-expect-error one table is by key, the other by key and window
  counts.join(byPage.count(), count => count)
}

export function cogroups(): void {
  const clicks = builder
    .stream('clicks', { keySerde: serdes.string(), valueSerde: serdes.int64() })
    .groupByKey()
  const both = byPage
    .cogroup<Totals>((totals, view) => ({ ...totals, ms: totals.ms + view.ms }))
    .cogroup(clicks, (totals, click) => ({ ...totals, views: totals.views + click }))
  exactly<KTable<string, Totals, never>>()(
    both.aggregate(() => ({ views: 0, ms: 0 })),
    true,
  )
  const windowed = both.windowedBy(minutes).aggregate(() => ({ views: 0, ms: 0 }))
  exactly<KTable<Windowed<string>, Totals, never>>()(windowed, true)
  both.windowedBy(sessions).aggregate(
    () => ({ views: 0, ms: 0 }),
    left => left,
  )
  // @ts-expect-error sessions need a merger
  both.windowedBy(sessions).aggregate(() => ({ views: 0, ms: 0 }))
  const byId = builder.stream('ids', { keySerde: serdes.int32(), valueSerde: serdes.string() }).groupByKey()
  // @ts-expect-error its keys are of another type
  both.cogroup(byId, totals => totals)
}

export function nullValues(): void {
  // Windows by time and sessions aggregate records without value; sliding windows, and no windows, leave them
  // out.
  const nullable = builder
    .stream<string, number | null>('nullable', { keySerde: serdes.string() })
    .groupByKey()
  nullable.aggregate(
    () => 0,
    (sum, value) => sum + value,
  )
  nullable.windowedBy(sliding).aggregate(
    () => 0,
    (sum, value) => sum + value,
  )
  nullable.windowedBy(minutes).aggregate(
    () => 0,
    (sum, value) => sum + (value ?? 0),
  )
  nullable.windowedBy(minutes).aggregate(
    () => 0,
    // @ts-expect-error the value may be null
    (sum, value) => sum + value.valueOf(),
  )
}

export function refused(): void {
  // @ts-expect-error how late records may be is for the caller to decide
  timeWindows({ sizeMs: 60_000 })
  // @ts-expect-error
  slidingWindows({ timeDifferenceMs: 60_000 })
  // @ts-expect-error
  sessionWindows({ inactivityGapMs: 60_000 })
  // @ts-expect-error sessions need a merger
  byPage.windowedBy(sessions).aggregate(Number, (sum, view) => sum + view.ms)
  // @ts-expect-error the store's key serde is that of the key alone
  byPage.windowedBy(minutes).count({ keySerde: serdes.windowed(serdes.string(), 60_000) })
  // @ts-expect-error counts are numbers
  byPage.windowedBy(minutes).count({ valueSerde: serdes.string() })
  // @ts-expect-error only windows have a retention
  byPage.count({ retentionMs: 1 })
  // @ts-expect-error no such strategy
  byPage.windowedBy(minutes).emitStrategy('on-close')
  // @ts-expect-error windows are not kept in LRU maps
  byPage.windowedBy(minutes).count({ storeType: 'lru', entriesMax: 10 })
}
