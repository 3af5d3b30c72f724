import type { Buffer } from 'node:buffer'
import { SchemaRegistry, serdes, StreamsBuilder, type AvroSchema, type AvroValue, type Serde } from 'millrace'

// Compiled, never run: what must be inferred is used, what must be refused stands behind @ts-expect-error.

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
const holds = <_ extends true>() => undefined

const order = {
  type: 'record',
  name: 'Order',
  namespace: 'shop',
  fields: [
    { name: 'id', type: 'string' },
    { name: 'cents', type: { type: 'long', logicalType: 'timestamp-millis' } },
    { name: 'paid', type: 'boolean', default: false },
    { name: 'note', type: ['null', 'string'], default: null },
    { name: 'state', type: { type: 'enum', name: 'State', symbols: ['open', 'sent'] } },
    { name: 'before', type: { type: 'array', items: 'State' } },
    { name: 'tags', type: { type: 'map', values: 'int' } },
    { name: 'hash', type: { type: 'fixed', name: 'Hash', size: 16 } },
    { name: 'body', type: 'bytes' },
    { name: 'replaces', type: ['null', 'shop.Order'] },
  ],
} as const

type Order = AvroValue<typeof order>

holds<Same<Omit<Order, 'replaces'>, Expected>>()
declare const value: Order
export const deep: string | null | undefined = value.replaces?.replaces?.note
// @ts-expect-error no symbol of the enumeration
export const state: 'lost' = value.state

interface Expected {
  id: string
  cents: number
  paid: boolean
  note: string | null
  state: 'open' | 'sent'
  before: ('open' | 'sent')[]
  tags: { [key: string]: number }
  hash: Buffer
  body: Buffer
}

// The serde has the type, for a schema that is written in place as well, and wherever it is asked for.
holds<Same<ReturnType<typeof ofOrder>, Serde<Order>>>()
export const ofOrder = () => serdes.avro(order)
export const inPlace: Serde<{ at: number }> = serdes.avro({
  type: 'record',
  name: 'Tick',
  fields: [{ name: 'at', type: 'long' }],
})
const builder = new StreamsBuilder()
const orders = builder.stream('orders', { keySerde: serdes.avro('string'), valueSerde: serdes.avro(order) })
orders
  .mapValues(({ cents }) => cents)
  .groupByKey({ valueSerde: serdes.avro('long') })
  .reduce((sum, cents) => sum + cents, { valueSerde: serdes.avro('long') })
orders.to('copy', { valueSerde: serdes.avro(order) })
// @ts-expect-error the values are no numbers
orders.to('copy', { valueSerde: serdes.avro('long') })
// @ts-expect-error there is no such type of Avro's
serdes.avro({ type: 'recor', name: 'Order', fields: [] })

// A type that is given goes before.
holds<Same<ReturnType<typeof given>, Serde<{ id: bigint }>>>()
export const given = () => serdes.avro<{ id: bigint }>(order)
const text: Serde<string> = serdes.avro<string>('string')
export const texts = [text]

// What the compiler cannot know, or values that are wrapped.
export declare const some: AvroSchema
holds<Same<AvroValue<typeof some>, unknown>>()
holds<Same<AvroValue<['int', 'double']>, unknown>>()
holds<Same<AvroValue<readonly ['null', 'int', 'bytes']>, number | Buffer | null>>()
holds<Same<AvroValue<'Elsewhere'>, unknown>>()

const registry = new SchemaRegistry({ url: 'http://localhost:8081' })
export const registered: Promise<Serde<Order>> = registry.avro({ topic: 'orders', schema: order })
export const named: Promise<Serde<{ id: bigint }>> = registry.avro<{ id: bigint }>({ topic: 'orders' })
export const fromRegistry = async () => registry.avro({ topic: 'orders' })
holds<Same<Awaited<ReturnType<typeof fromRegistry>>, Serde<unknown>>>()
// @ts-expect-error the values of the schema are no texts
export const refused: Promise<Serde<string>> = registry.avro({ topic: 'orders', schema: order })
