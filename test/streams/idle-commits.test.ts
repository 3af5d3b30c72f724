import { expect, it, onTestFinished } from 'vitest'
import { openEmbeddedBroker } from '../../lib/broker/embedded/embedded-broker.ts'
import type { Interceptor } from '../../lib/broker/embedded/state/interceptions.ts'
import { type Clock, systemClock, type Timer } from '../../lib/common/clock.ts'
import { silentLogger } from '../../lib/common/logger.ts'
import { StreamsBuilder } from '../../lib/dsl/methods/streams-builder.ts'
import type { ProcessorContext } from '../../lib/processor/processor-context.ts'
import { Record } from '../../lib/processor/record.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import { stores } from '../../lib/store/builders/stores.ts'
import type { KeyValueStore } from '../../lib/store/contract/key-value-store.ts'
import type { StoreBuilder } from '../../lib/store/contract/state-store.ts'
import type { StreamsConfig } from '../../lib/streams/config.ts'
import { KafkaStreams } from '../../lib/streams/kafka-streams.ts'
import type { Topology } from '../../lib/topology/topology.ts'
import { eventually } from '../support/eventually.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { createTopics, produce, readAll, textOf } from '../support/topics.ts'

const text = { keySerde: serdes.string(), valueSerde: serdes.string() }
const settings = { name: 'kept', ...text, ranges: false } as const
const TICKS = 20

type Context = ProcessorContext<string, string>
type Store = KeyValueStore<string, string>

/** Values go on as they are. Beside that, a punctuator ticks every 2 ms. */
function ticking(tick: (context: Context, store: Store) => void, store: StoreBuilder): Topology {
  const builder = new StreamsBuilder()
  builder
    .stream('in', text)
    .process<string, string>({
      stores: [store],
      get: () => {
        let context: Context
        return {
          init: given => {
            context = given
            const kept = context.getStateStore<Store>('kept')
            context.schedule({ intervalMs: 2, type: 'wall-clock-time' }, () => tick(context, kept))
          },
          process: record => context.forward(record),
        }
      },
    })
    .to('out', text)
  return builder.build()
}

interface Parts {
  readonly clock?: Clock
  readonly brokerClock?: Clock
  readonly interceptor?: Interceptor
}

async function started(topology: Topology, config: Partial<StreamsConfig> = {}, parts: Parts = {}) {
  const { clock = systemClock, brokerClock = systemClock, interceptor } = parts
  const broker = await openEmbeddedBroker({ clock: brokerClock, ...(interceptor && { interceptor }) })
  onTestFinished(() => broker.close())
  await createTopics(broker, { in: 1, out: 1 })
  const streams = new KafkaStreams(
    topology,
    { applicationId: 'app', stateDir: await temporaryDirectory(), commitIntervalMs: 5, ...config },
    { broker, clock, logger: silentLogger },
  )
  onTestFinished(() => streams.close())
  await streams.start()
  const outputs = async () => (await readAll(broker, 'out')).map(({ value }) => textOf(value))
  return { broker, streams, outputs }
}

/** Number of commits while the punctuator of a started application ticks that often, once it is at rest. */
async function commitsOfTicks(streams: KafkaStreams, ticks: () => number): Promise<number> {
  // What the start left to be committed comes first.
  await eventually(() => ticks() > TICKS)
  const [before, begun] = [streams.metrics.total('commit-total'), ticks()]
  await eventually(() => ticks() > begun + TICKS)
  return streams.metrics.total('commit-total') - before
}

for (const processingGuarantee of ['exactly-once', 'at-least-once'] as const) {
  it(`idle: a punctuator that changes nothing is not committed (${processingGuarantee})`, async () => {
    let ticks = 0
    const topology = ticking((_context, store) => {
      ticks += 1
      store.get('a')
    }, stores.keyValueStore(settings))
    const { streams } = await started(topology, { processingGuarantee })
    expect(await commitsOfTicks(streams, () => ticks)).toBe(0)
  })
}

/** A store of a kind of its own, which does not count its bytes. */
function ownKind(): StoreBuilder {
  const { kind: _kind, ...builder } = stores.keyValueStore({ ...settings, logging: false })
  return {
    ...builder,
    build: () => {
      const store = stores.keyValueStore({ ...settings, logging: false }).build()
      return new Proxy(store, {
        get: (target, property) => {
          if (property === 'uncommittedBytes') return 0
          const value: unknown = Reflect.get(target, property, target)
          return typeof value === 'function' ? (value.bind(target) as unknown) : value
        },
      })
    },
  }
}

const changes: readonly {
  readonly what: string
  readonly store?: StoreBuilder
  readonly tick: (context: Context, store: Store) => void
}[] = [
  { what: 'forwards', tick: context => context.forward(new Record('a', 'b', 0)) },
  { what: 'asks for a commit', tick: context => context.commit() },
  { what: 'puts the same value again', tick: (_, store) => store.put('a', 'b') },
  {
    what: 'changes a store without a changelog',
    store: stores.keyValueStore({ ...settings, logging: false }),
    tick: (_, store) => store.put('a', 'b'),
  },
  {
    what: 'changes a store that holds changes back',
    store: stores.keyValueStore({ ...settings, logging: false, caching: true }),
    tick: (_, store) => store.put('a', 'b'),
  },
  { what: 'has a store of a kind of its own', store: ownKind(), tick: (_, store) => store.put('a', 'b') },
]

for (const { what, tick, store } of changes) {
  it(`idle: a punctuator is committed that ${what}`, async () => {
    let ticks = 0
    const counted = (context: Context, kept: Store) => {
      ticks += 1
      tick(context, kept)
    }
    const { streams } = await started(ticking(counted, store ?? stores.keyValueStore(settings)))
    expect(await commitsOfTicks(streams, () => ticks)).toBeGreaterThan(0)
  })
}

/** Until `end`, waits of 50 ms and more do not end by themselves: the thread's idle wait is among them. */
class ClockWithoutLongWaits implements Clock {
  /** Callbacks of the long waits that go on. */
  readonly waits = new Set<() => void>()
  #hasEnded = false
  readonly nowMs = () => systemClock.nowMs()
  readonly monotonicMs = () => systemClock.monotonicMs()
  readonly sleep: Clock['sleep'] = (delayMs, signal) => systemClock.sleep(delayMs, signal)
  readonly nextTurn = () => systemClock.nextTurn()

  schedule(...[delayMs, callback, options]: Parameters<Clock['schedule']>): Timer {
    if (delayMs < 50 || this.#hasEnded) return systemClock.schedule(delayMs, callback, options)
    this.waits.add(callback)
    return { cancel: () => this.waits.delete(callback) }
  }

  end(): void {
    this.#hasEnded = true
    for (const callback of this.waits) callback()
  }
}

function withoutLongWaits() {
  return { clock: new ClockWithoutLongWaits(), brokerClock: new ClockWithoutLongWaits() }
}

/** So that the application ends as fast as elsewhere. */
function endWaits({ clock, brokerClock }: ReturnType<typeof withoutLongWaits>): void {
  clock.end()
  brokerClock.end()
}

function passing(): Topology {
  const builder = new StreamsBuilder()
  builder.stream('in', text).to('out', text)
  return builder.build()
}

it('idle: a commit that is due ends the wait for records', async () => {
  const clocks = withoutLongWaits()
  const { broker, outputs } = await started(passing(), {}, clocks)
  onTestFinished(() => endWaits(clocks))
  for (const value of ['1', '2', '3']) {
    await produce(broker, 'in', 1, [['a', value]])
    await eventually(async () => (await outputs()).includes(value))
  }
})

it('idle: the end of a commit ends the wait for records, where the next one is due', async () => {
  let release: (() => void) | undefined
  let isHolding = false
  const interceptor: Interceptor = ({ operation }) => {
    if (operation !== 'end-transaction' || !isHolding) return undefined
    isHolding = false
    return new Promise<void>(resolve => (release = resolve))
  }
  const clocks = withoutLongWaits()
  const { broker, outputs, streams } = await started(passing(), {}, { ...clocks, interceptor })
  onTestFinished(() => endWaits(clocks))
  isHolding = true
  await produce(broker, 'in', 1, [['a', 'first']])
  await eventually(() => release)
  await produce(broker, 'in', 1, [['a', 'second']])
  await eventually(() => streams.metrics.total('process-total') === 2)
  await eventually(() => clocks.clock.waits.size > 0)
  release!()
  await eventually(async () => (await outputs()).includes('second'))
})
