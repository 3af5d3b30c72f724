// Checked by the compiler alone (`npm run check:types`): nothing here runs. A line under @ts-expect-error must not compile.
import type { KGroupedStream, KStream, KTable } from '../../lib/dsl/dsl.ts'
import { StreamsBuilder } from '../../lib/dsl/streams-builder.ts'
import { serdes } from '../../lib/serde/serdes.ts'

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
function same<A, B>(_equal: Equal<A, B>): void {
  // The types are all there is to it.
}

export function inference(): void {
  same<typeof views, KStream<string, View>>(true)
  same<typeof names, KTable<string, string, null>>(true)

  const mapped = views.map((view, key) => [view.ms, `${key}:${view.page}`])
  same<typeof mapped, KStream<number, string>>(true)
  const words = views.flatMapValues(view => view.page.split('/'))
  same<typeof words, KStream<string, string>>(true)
  const narrowed = views.mapValues(view => view.user).filter(user => user !== null)
  same<typeof narrowed, KStream<string, string>>(true)
  const merged = mapped.merge(words)
  same<typeof merged, KStream<string | number, string>>(true)
}

export function grouping(): void {
  // A key that may be null is not grouped, and is not null afterwards.
  const byUser = views.groupBy(view => view.user, { keySerde: serdes.string() })
  same<typeof byUser, KGroupedStream<string, View>>(true)

  // Counts are never deleted: no null comes out.
  const counts = byUser.count()
  same<typeof counts, KTable<string, number, never>>(true)
  const doubled = counts.toStream().mapValues(count => count * 2)
  same<typeof doubled, KStream<string, number>>(true)

  const total = byUser.aggregate(
    () => 0,
    (sum, view, user) => sum + view.ms + user.length,
    { valueSerde: serdes.float64() },
  )
  same<typeof total, KTable<string, number, never>>(true)
  const last = byUser.reduce((_before, view) => (view.ms < 0 ? null : view))
  same<typeof last, KTable<string, View, null>>(true)

  const sum = (before: number, view: View) => before + view.ms
  // @ts-expect-error the serde is not one of the aggregate's type
  byUser.aggregate(() => 0, sum, { valueSerde: serdes.string() })
  // @ts-expect-error the aggregator must take and return the aggregate's type
  byUser.aggregate(() => 'text', sum)
}

export function tables(): void {
  // A table's deletions are records with null, and the types say so.
  const changes = names.toStream()
  same<typeof changes, KStream<string, string | null>>(true)
  // @ts-expect-error the value may be null
  changes.mapValues(name => name.length)
  const again = changes.toTable()
  same<typeof again, KTable<string, string>>(true)

  const lengths = names.mapValues(name => (name === '' ? null : name.length))
  same<typeof lengths, KTable<string, number, null>>(true)
  const perLength = names.groupBy((name, key) => [name.length, key] as const).count()
  same<typeof perLength, KTable<number, number, null>>(true)
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
  same<typeof joined, KStream<string, string>>(true)
  const withCounts = views.join(views.groupByKey().count(), (view, count) => view.ms / count)
  same<typeof withCounts, KStream<string, number>>(true)
  const left = views.leftJoin(names, (_view, name) => name)
  same<typeof left, KStream<string, string | null>>(true)
  const global = views.join(
    pages,
    view => view.ms,
    (view, title) => `${view.page} ${title}`,
  )
  same<typeof global, KStream<string, string>>(true)

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
