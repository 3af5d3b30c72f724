// Checked by the compiler alone (`npm run check:types`): nothing here runs. A line below an expected error
// (ts-expect-error) must not compile.
import type { Windowed } from '../../lib/common/windowed.ts'
import type { KStream, KTable } from '../../lib/dsl/api/kstream.ts'
import { StreamsBuilder } from '../../lib/dsl/methods/streams-builder.ts'
import { untilTimeLimit, untilWindowCloses } from '../../lib/dsl/options/suppressed.ts'
import { joinWindows } from '../../lib/dsl/windows/join-windows.ts'
import { timeWindows } from '../../lib/dsl/windows/time-windows.ts'
import { serdes } from '../../lib/serde/serdes.ts'

interface Order {
  readonly item: string
}

const builder = new StreamsBuilder()
const orders = builder.stream('orders', { keySerde: serdes.string(), valueSerde: serdes.json<Order>() })
const payments = builder.stream('payments', { keySerde: serdes.string(), valueSerde: serdes.float64() })
const clicks = builder.stream<string | null, Order | null>('clicks')
const byNumber = builder.stream('numbers', { keySerde: serdes.int32(), valueSerde: serdes.string() })
const windows = joinWindows({ timeDifferenceMs: 1_000, graceMs: 0 })

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
function exactly<Expected>() {
  return <Found>(_value: Found, _equal: Equal<Found, Expected>): void => undefined
}

export function joins(): void {
  const inner = orders.join(payments, (order, amount, key) => `${key}${order.item}${amount.toFixed()}`, {
    windows,
  })
  exactly<KStream<string, string>>()(inner, true)
  const left = orders.leftJoin(payments, (order, amount) => order.item.length + (amount ?? 0), { windows })
  exactly<KStream<string, number>>()(left, true)
  const outer = orders.outerJoin(payments, (order, amount) => order?.item ?? String(amount), { windows })
  exactly<KStream<string, string>>()(outer, true)

  // What a topic may hold besides is out of the joiner's way: records without key or value are not joined.
  const seen = orders.join(clicks, (order, click, key) => order.item + click.item + key.length, { windows })
  exactly<KStream<string, string>>()(seen, true)
  clicks.join(orders, (click, order, key) => click.item + order.item + key.length, { windows })
  // But a left join has results for records without key.
  clicks.leftJoin(orders, (click, order, key) => click.item + (order?.item ?? '') + (key ?? ''), { windows })

  // @ts-expect-error a left join may find no match
  orders.leftJoin(payments, (order, amount) => amount.toFixed() + order.item, { windows })
  // @ts-expect-error in an outer join either side may be missing
  orders.outerJoin(payments, order => order.item, { windows })
  // @ts-expect-error a record without key has none in the joiner of a left join
  clicks.leftJoin(orders, (click, order, key) => click.item + key.length, { windows })
  // @ts-expect-error keys of unlike types are never equal
  orders.join(byNumber, order => order.item, { windows })
  // @ts-expect-error streams are joined within windows
  orders.join(payments, order => order.item)
  // @ts-expect-error streams are joined within windows
  orders.join(payments, order => order.item, { keySerde: serdes.string() })
  // @ts-expect-error the serde is not one of the other stream's values
  orders.join(payments, order => order.item, { windows, otherValueSerde: serdes.string() })
  orders.join(payments, order => order.item, {
    windows,
    keySerde: serdes.string(),
    valueSerde: serdes.json<Order>(),
    otherValueSerde: serdes.float64(),
  })
}

export function definitions(): void {
  // @ts-expect-error the grace must be said
  joinWindows({ timeDifferenceMs: 1_000 })
  // @ts-expect-error the other direction must be said
  joinWindows({ beforeMs: 1_000, graceMs: 0 })
  joinWindows({ beforeMs: 0, afterMs: 1_000, graceMs: 0 })

  // @ts-expect-error a buffer must be chosen
  untilWindowCloses({})
  // @ts-expect-error final results cannot go early
  untilWindowCloses({ buffer: { recordsMax: 1, whenFull: 'emit-early' } })
  // @ts-expect-error what happens when it is full must be said
  untilTimeLimit({ timeLimitMs: 5, buffer: { recordsMax: 1 } })
}

export function suppressing(): void {
  const counts = orders
    .groupByKey()
    .windowedBy(timeWindows({ sizeMs: 10, graceMs: 0 }))
    .count()
  const final = counts.suppress(untilWindowCloses({ buffer: 'unbounded' }))
  exactly<KTable<Windowed<string>, number, never>>()(final, true)
  counts.suppress(untilTimeLimit({ timeLimitMs: 5, buffer: { recordsMax: 1, whenFull: 'emit-early' } }))

  const rows = orders.toTable()
  rows.suppress(untilTimeLimit({ timeLimitMs: 5, buffer: 'unbounded' }))
  // @ts-expect-error only windows close
  rows.suppress(untilWindowCloses({ buffer: 'unbounded' }))
}
