import { describe, expect, it } from 'vitest'
import { serdes, StreamsBuilder, type DeduplicateOptions, type KStream } from '../../lib/index.ts'
import { TopologyTestDriver } from '../../lib/testing.ts'
import { SeededRandom } from '../support/seeded-random.ts'

const WINDOW_MS = 100

interface Order {
  readonly id?: string | number | null
  readonly at: number
}

const io = { keySerde: serdes.string(), valueSerde: serdes.json<Order>() }

function run(
  options: Partial<DeduplicateOptions<string, Order>> = {},
  above: (orders: KStream<string, Order>) => KStream<string, Order> = orders => orders,
) {
  const builder = new StreamsBuilder()
  above(builder.stream<string, Order>('in', io))
    .deduplicate({ ...{ name: 'once', storeName: 'ids', windowMs: WINDOW_MS, ...options } })
    .to('out', io)
  const topology = builder.build()
  const driver = new TopologyTestDriver(topology)
  const input = driver.createInputTopic('in', io)
  const output = driver.createOutputTopic('out', io)
  let at = 0
  return {
    driver,
    topology,
    give: (key: string, timestamp: number, id?: Order['id']) => {
      input.pipeInput(key, id === undefined ? { at } : { at, id }, { timestamp })
      return at++
    },
    input,
    output,
    passed: () => output.readRecords().map(({ value }) => value!.at),
  }
}

describe('deduplicate', () => {
  it('lets the first of a key pass, and the next one a window later', () => {
    const { driver, give, passed } = run()
    for (const timestamp of [1_000, 1_000, 1_050, 1_099, 1_100, 1_101, 1_200]) give('a', timestamp)
    give('b', 1_200)
    expect(passed()).toEqual([0, 4, 6, 7])
    expect(driver.metricTotal('deduplicate-duplicates-total')).toBe(4)
  })

  it('goes by key and id where there is one, and lets records without id pass', () => {
    const { give, passed } = run({ id: order => order.id })
    give('a', 0, 'x')
    give('b', 0, 'x')
    give('a', 1, 'y')
    give('a', 2, 'x')
    give('a', 3, null)
    give('a', 4)
    give('a', 5)
    give('a', 6, 7)
    give('a', 7, 7)
    // Of a key that ends as another begins, nothing is mistaken.
    give('ab', 8, 'c')
    give('a', 8, 'bc')
    expect(passed()).toEqual([0, 1, 2, 4, 5, 6, 7, 9, 10])
  })

  it('goes by the times of records, whatever their order', () => {
    const { give, passed } = run()
    give('a', 1_000)
    give('b', 1_150)
    give('a', 901)
    give('a', 950)
    give('a', 1_099)
    give('a', 1_100)
    give('a', 900)
    expect(passed()).toEqual([0, 1, 5, 6])
  })

  it('lets what is too late to be known pass, and counts it; forgets ids behind two windows', () => {
    const { driver, give, passed } = run({ storeType: 'in-memory' })
    give('a', 1_000)
    give('clock', 1_199)
    give('a', 1_000)
    give('clock', 5_000)
    give('a', 1_000)
    give('b', 4_799)
    give('b', 4_801)
    give('b', 4_801)
    expect(passed()).toEqual([0, 1, 3, 4, 5, 6])
    expect(driver.metricTotal('deduplicate-late-total')).toBe(2)
    expect(driver.metricTotal('dropped-records-total')).toBe(0)
    const times = [...driver.windowStore('ids').all()].map(([{ window }]) => window.startMs)
    expect(times).toEqual([4_801, 5_000])
  })

  it('keeps order, timestamps and headers', () => {
    const { input, output } = run()
    const headers = [{ key: 'traceparent', value: Buffer.from('one') }]
    input.pipeInput('a', { at: 0 }, { timestamp: 7, headers })
    input.pipeInput('b', { at: 1 }, { timestamp: 6 })
    const seen = output.readRecords().map(({ key, timestamp, headers }) => [key, timestamp, headers.length])
    expect(seen).toEqual([
      ['a', 7, 1],
      ['b', 6, 0],
    ])
  })

  it('drops records without key, and counts them', () => {
    const { driver, give, passed } = run()
    give(null as never, 0)
    expect(passed()).toEqual([])
    expect(driver.metricTotal('dropped-records-total')).toBe(1)
  })

  it('finds duplicates among what one record has become, too', () => {
    const { give, passed } = run({ id: order => order.id }, orders =>
      orders.flatMapValues(order => [order, order]),
    )
    give('a', 0, 'x')
    give('a', 200, 'x')
    give('a', 201, 'x')
    expect(passed()).toEqual([0, 1])
  })

  it('repartitions what was rekeyed, through a topic named after the store', () => {
    const { give, passed, topology } = run({ keySerde: serdes.string() }, orders =>
      orders.selectKey((order, key) => key[0]!),
    )
    give('apple', 0)
    give('apricot', 1)
    give('banana', 2)
    expect(passed()).toEqual([0, 2])
    expect(topology.describe().toString()).toContain('ids-repartition')
  })

  it.each<[string, object, string]>([
    ['no window', { windowMs: undefined }, 'windowMs is undefined: it must be a whole number'],
    ['a window of 0', { windowMs: 0 }, 'windowMs is 0'],
    ['another kind of store', { storeType: 'lru' }, 'storeType is lru'],
  ])('refuses %s', (_name, options, message) => {
    expect(() => run(options)).toThrow(message)
  })

  it('refuses an id that is neither text nor number', () => {
    const { give } = run({ id: () => ({}) as never })
    expect(() => give('a', 0)).toThrow('id of deduplicate (node "once") returned [object Object]')
  })

  it.each([1, 2, 3, 4, 5])('seed %i: passes what a plain list of all that has passed lets pass', seed => {
    const random = new SeededRandom(seed)
    const { give, passed } = run({ id: order => order.id })
    const seen: { readonly name: string; readonly timestamp: number }[] = []
    const expected: number[] = []
    for (let step = 0; step < 1_000; step += 1) {
      const [key, id] = [random.pick(['a', 'b']), random.pick(['x', 'y', 'z'])]
      const timestamp = 1_000 + step * 3 - random.below(WINDOW_MS)
      const name = `${key} ${id}`
      const at = give(key, timestamp, id)
      if (seen.some(each => each.name === name && Math.abs(each.timestamp - timestamp) < WINDOW_MS)) continue
      seen.push({ name, timestamp })
      expected.push(at)
    }
    expect(expected.length).toBeGreaterThan(50)
    expect(passed()).toEqual(expected)
  })
})
