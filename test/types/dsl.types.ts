// Checked by the compiler alone (`npm run check:types`): nothing here runs. A line below an expected error
// (ts-expect-error) must not compile.
import type { KGroupedStream, KStream, KTable } from '../../lib/dsl/api/kstream.ts'
import { StreamsBuilder } from '../../lib/dsl/methods/streams-builder.ts'
import type { TimestampExtractor } from '../../lib/processor/timestamp-extractor.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import type { KeyValueStore } from '../../lib/store/contract/key-value-store.ts'
import { stores } from '../../lib/store/builders/stores.ts'

interface View {
  readonly page: string
  readonly user: string | null
  readonly ms: number
}

const builder = new StreamsBuilder()
const views = builder.stream('views', { keySerde: serdes.string(), valueSerde: serdes.json<View>() })
const names = builder.table('names', { keySerde: serdes.string(), valueSerde: serdes.string() })
const pages = builder.globalTable('pages', { keySerde: serdes.int32(), valueSerde: serdes.string() })

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
/** Compiles only if the value's type is exactly this one. */
function exactly<Expected>() {
  return <Found>(_value: Found, _equal: Equal<Found, Expected>): void => undefined
}

export function inference(): void {
  exactly<KStream<string, View>>()(views, true)
  exactly<KTable<string, string, null>>()(names, true)

  const mapped = views.map((view, key) => [view.ms, `${key}:${view.page}`])
  exactly<KStream<number, string>>()(mapped, true)
  const words = views.flatMapValues(view => view.page.split('/'))
  exactly<KStream<string, string>>()(words, true)
  const narrowed = views.mapValues(view => view.user).filter(user => user !== null)
  exactly<KStream<string, string>>()(narrowed, true)
  const merged = mapped.merge(words)
  exactly<KStream<string | number, string>>()(merged, true)
}

export function grouping(): void {
  // A key that may be null is not grouped, and is not null afterwards.
  const byUser = views.groupBy(view => view.user, { keySerde: serdes.string() })
  exactly<KGroupedStream<string, View>>()(byUser, true)

  // Counts are never deleted: no null comes out.
  const counts = byUser.count()
  exactly<KTable<string, number, never>>()(counts, true)
  const doubled = counts.toStream().mapValues(count => count * 2)
  exactly<KStream<string, number>>()(doubled, true)

  const total = byUser.aggregate(
    () => 0,
    (sum, view, user) => sum + view.ms + user.length,
    { valueSerde: serdes.float64() },
  )
  exactly<KTable<string, number, never>>()(total, true)
  const last = byUser.reduce((_before, view) => (view.ms < 0 ? null : view))
  exactly<KTable<string, View, null>>()(last, true)

  const sum = (before: number, view: View) => before + view.ms
  // @ts-expect-error the serde is not one of the aggregate's type
  byUser.aggregate(() => 0, sum, { valueSerde: serdes.string() })
  // @ts-expect-error the aggregator must take and return the aggregate's type
  byUser.aggregate(() => 'text', sum)
}

export function tables(): void {
  // A table's deletions are records with null, and the types say so.
  const changes = names.toStream()
  exactly<KStream<string, string | null>>()(changes, true)
  // @ts-expect-error the value may be null
  changes.mapValues(name => name.length)
  const again = changes.toTable()
  exactly<KTable<string, string>>()(again, true)

  const lengths = names.mapValues(name => (name === '' ? null : name.length))
  exactly<KTable<string, number, null>>()(lengths, true)
  const perLength = names.groupBy((name, key) => [name.length, key] as const).count()
  exactly<KTable<number, number, null>>()(perLength, true)
  names
    .groupBy((name, key) => [key, name.length])
    .aggregate({
      initializer: () => 0,
      adder: (sum, length) => sum + length,
      subtractor: (sum, length) => sum - length,
    })
}

export function joins(): void {
  const joined = views.join(names, (view, name, key) => `${key} ${view.page} ${name.toUpperCase()}`)
  exactly<KStream<string, string>>()(joined, true)
  const withCounts = views.join(views.groupByKey().count(), (view, count) => view.ms / count)
  exactly<KStream<string, number>>()(withCounts, true)
  const left = views.leftJoin(names, (_view, name) => name)
  exactly<KStream<string, string | null>>()(left, true)
  const global = views.join(
    pages,
    view => view.ms,
    (view, title) => `${view.page} ${title}`,
  )
  exactly<KStream<string, string>>()(global, true)

  // @ts-expect-error without a match there is no row
  views.leftJoin(names, (_view, name) => name.length)
  // @ts-expect-error the keys are of different types
  views.selectKey(view => view.ms).join(names, (_view, name) => name)
}

export function options(): void {
  // @ts-expect-error another type's serde
  views.to('out', { valueSerde: serdes.int64() })
  // @ts-expect-error no such option
  views.to('out', { valueSerd: serdes.json<View>() })
  // @ts-expect-error a predicate answers true or false
  views.filter(view => view.page)
}

// A timestamp extractor sees the types of the serdes, and one for any record goes everywhere.
const anyTime: TimestampExtractor = record => record.timestamp
const timed = new StreamsBuilder().stream('timed', {
  keySerde: serdes.string(),
  valueSerde: serdes.json<{ atMs: number }>(),
  timestampExtractor: ({ key, value }) => value.atMs + key.length,
})
holdsStream<KStream<string, { atMs: number }>>(timed)
holdsStream<KStream<string, string>>(
  new StreamsBuilder().stream('any', { ...textSerdes(), timestampExtractor: anyTime }),
)
new StreamsBuilder().table('timed', {
  ...textSerdes(),
  // @ts-expect-error a text has no time
  timestampExtractor: ({ value }) => value.atMs,
})

// A store's builder is its handle: the processor need not tell its types again.
const totals = stores.keyValueStore({ name: 'totals', keySerde: serdes.string(), valueSerde: serdes.int64() })
timed.process(() => ({
  init(context) {
    const total: number | undefined = context.getStateStore(totals).get('k')
    // @ts-expect-error values of the store are numbers
    context.getStateStore(totals).put('k', `${total}`)
    const byName: KeyValueStore<string, Date> = context.getStateStore('totals')
    byName.delete('k')
  },
  process: () => undefined,
}))

function holdsStream<S>(stream: S): S {
  return stream
}

function textSerdes() {
  return { keySerde: serdes.string(), valueSerde: serdes.string() }
}
