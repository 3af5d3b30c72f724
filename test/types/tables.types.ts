// Checked by the compiler alone (`npm run check:types`): nothing here runs. A line below an expected error
// (ts-expect-error) must not compile.
import type { KStream, KTable } from '../../lib/dsl/api/kstream.ts'
import { StreamsBuilder } from '../../lib/dsl/methods/streams-builder.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import type { ReadOnlyKeyValueStore } from '../../lib/store/contract/key-value-store.ts'
import type { KafkaStreams } from '../../lib/streams/kafka-streams.ts'

interface Order {
  readonly userId: number
  readonly item: string
}

interface User {
  readonly name: string
}

const builder = new StreamsBuilder()
const orders = builder.table('orders', { keySerde: serdes.string(), valueSerde: serdes.json<Order>() })
const users = builder.table('users', { keySerde: serdes.int32(), valueSerde: serdes.json<User>() })
const prices = builder.table('prices', { keySerde: serdes.string(), valueSerde: serdes.float64() })
const counts = builder
  .stream('clicks', { keySerde: serdes.string(), valueSerde: serdes.string() })
  .groupByKey()
  .count()

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
function exactly<Expected>() {
  return <Found>(_value: Found, _equal: Equal<Found, Expected>): void => undefined
}

export function joinsByKey(): void {
  const joined = orders.join(prices, (order, price) => `${order.item} ${price.toFixed(2)}`)
  exactly<KTable<string, string>>()(joined, true)
  // What a count has never been deleted from joins as well.
  orders.join(counts, (order, count) => order.item.repeat(count))

  orders.leftJoin(prices, (order, price) => order.userId + (price ?? 0), { valueSerde: serdes.float64() })
  // @ts-expect-error a left join may find no row
  orders.leftJoin(prices, (order, price) => price.toFixed(2) + order.item)
  orders.outerJoin(prices, (order, price) => order?.item ?? String(price))
  // @ts-expect-error in an outer join either side may be missing
  orders.outerJoin(prices, order => order.item)
  // @ts-expect-error the serde is not one of the result's type
  orders.join(prices, order => order.item, { valueSerde: serdes.int64() })
  // @ts-expect-error keys of unlike types are never equal
  orders.join(users, order => order.item)
}

export function joinsByForeignKey(): void {
  const named = orders.join(
    users,
    order => order.userId,
    (order, user) => `${user.name}: ${order.item}`,
  )
  exactly<KTable<string, string>>()(named, true)
  // Nobody, or a user: both are fine.
  const nobody = (order: Order) => (order.userId > 0 ? order.userId : null)
  orders.leftJoin(users, nobody, (order, user) => user?.name ?? order.item)
  orders.join(
    users,
    (order, id) => order.userId + id.length,
    order => order.item,
    {
      otherPartitioner: (_value, id, _topic, count) => id % count,
    },
  )
  const item = (order: Order) => order.item
  const userId = (order: Order) => order.userId
  // @ts-expect-error the other table's keys are numbers
  orders.join(users, item, item)
  const both = (order: Order, user: User) => order.item + user.name
  orders.join(users, userId, both)
  // @ts-expect-error a left join may find no row
  orders.leftJoin(users, userId, both)
}

export function transformation(): void {
  const lengths = orders.transformValues(() => ({
    transform: (order: Order | null, key: string) => (order === null ? null : order.item.length + key.length),
  }))
  exactly<KTable<string, number>>()(lengths, true)
}

export function splitting(): void {
  const stream = builder.stream('mixed', {
    keySerde: serdes.string(),
    valueSerde: serdes.json<Order | User>(),
  })
  const isUser = (value: Order | User): value is User => 'name' in value
  const branches = stream
    .split({ name: 'by-' })
    .branch(isUser, { name: 'user' })
    .defaultBranch({ name: 'rest' })
  exactly<ReadonlyMap<string, KStream<string, User> | KStream<string, Order | User>>>()(branches, true)
  const chained = stream
    .split()
    .branch(isUser, { name: 'seen' })
    .branch(value => !isUser(value), { chain: branch => branch.mapValues(() => 1) })
    .noDefaultBranch()
  exactly<ReadonlyMap<string, KStream<string, User> | KStream<string, number>>>()(chained, true)
  // @ts-expect-error no such option
  stream.split().branch(isUser, { nam: 'x' })
}

export function building(): void {
  builder.build({ optimization: ['merge.repartition.topics'] })
  // @ts-expect-error no such optimization
  builder.build({ optimization: ['merge.topics'] })
}

export function tablesWithoutDeletions(): void {
  // A function for any table takes one that never deletes.
  const publish = (table: KTable<string, number>): void => table.toStream().to('numbers')
  publish(counts)
}

/** A serde without a type of its own takes that of what the callback returns, everywhere. */
export function typesOfJson(): void {
  const mapped = orders.mapValues(order => ({ n: order.userId }), { valueSerde: serdes.json() })
  exactly<KTable<string, { n: number }>>()(mapped, true)
  const joined = orders.join(prices, (order, price) => ({ of: order.item, price }), {
    keySerde: serdes.string(),
    valueSerde: serdes.json(),
  })
  exactly<KTable<string, { of: string; price: number }>>()(joined, true)
  const left = orders.leftJoin(prices, (order, price) => ({ of: order.item, price }), {
    valueSerde: serdes.json(),
  })
  exactly<KTable<string, { of: string; price: number | null }>>()(left, true)
  const outer = orders.outerJoin(prices, (order, price) => ({ of: order?.item, price }), {
    valueSerde: serdes.json(),
  })
  exactly<KTable<string, { of: string | undefined; price: number | null }>>()(outer, true)
  const owned = orders.join(
    users,
    order => order.userId,
    (order, user) => ({ of: order.item, by: user.name }),
    {
      valueSerde: serdes.json(),
    },
  )
  exactly<KTable<string, { of: string; by: string }>>()(owned, true)
  const stream = builder.stream('placed', { keySerde: serdes.string(), valueSerde: serdes.json<Order>() })
  const sum = stream.groupByKey().aggregate(
    () => ({ sum: 0 }),
    ({ sum }, order) => ({ sum: sum + order.userId }),
    { valueSerde: serdes.json() },
  )
  exactly<KTable<string, { sum: number }>>()(sum, true)
  stream
    .mapValues(({ userId }) => ({ y: userId }))
    .repartition({ valueSerde: serdes.json() })
    .mapValues(({ y }) => y)
  // @ts-expect-error what is not there
  joined.mapValues(({ absent }) => absent)
  // @ts-expect-error of the other type
  orders.mapValues(order => ({ n: order.userId }), { valueSerde: serdes.json<{ n: string }>() })
  const untyped = builder.stream('raw', { keySerde: serdes.string(), valueSerde: serdes.json() })
  // @ts-expect-error nobody has said what is in it
  untyped.mapValues(value => value.item)
}

export function storesOfTables(streams: KafkaStreams): void {
  const store = streams.store(orders)
  exactly<ReadOnlyKeyValueStore<string, Order>>()(store, true)
  // @ts-expect-error keys are strings
  store.get(7)
  exactly<ReadOnlyKeyValueStore<string, number>>()(streams.store(counts), true)
  // @ts-expect-error it is no table of windows
  streams.windowStore(counts)
  streams.changes(orders).subscribe(({ key, value }) => {
    exactly<string>()(key, true)
    exactly<Order | null>()(value, true)
  })
  exactly<ReadOnlyKeyValueStore<string, Order>>()(streams.store<string, Order>('orders'), true)
}
