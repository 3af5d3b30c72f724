import type { Broker } from '../../lib/broker/broker.ts'
import { StreamsBuilder } from '../../lib/dsl/methods/streams-builder.ts'
import type { Processor } from '../../lib/processor/processor.ts'
import type { ProcessorContext } from '../../lib/processor/processor-context.ts'
import { Record } from '../../lib/processor/record.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import { stores } from '../../lib/store/builders/stores.ts'
import type { Timers } from '../../lib/store/contract/timer-store.ts'
import type { Topology } from '../../lib/topology/topology.ts'
import { createTopics, int64Of, produce, readAll, textOf, type Pair } from './topics.ts'

const HOUR_MS = 3_600_000
const text = { keySerde: serdes.string(), valueSerde: serdes.string() }
const count = { keySerde: serdes.string(), valueSerde: serdes.int64() }
const timers = stores.timers<string>({ name: 'timers', keySerde: serdes.string() })
const firings = stores.keyValueStore({ name: 'firings', ...count })

/** A record sets a timer so many milliseconds away, or cancels it; firing forwards how often the key has. */
class Firing implements Processor<string, string, string, number> {
  #context!: ProcessorContext<string, number>
  #timers!: Timers<string>

  init(context: ProcessorContext<string, number>): void {
    this.#context = context
    const fired = context.getStateStore(firings)
    this.#timers = context.timers(timers, (key, atMs) => {
      const times = (fired.get(key) ?? 0) + 1
      fired.put(key, times)
      context.forward(new Record(key, times, atMs))
    })
  }

  process({ key, value }: Record<string, string>): void {
    if (value === 'cancel') this.#timers.cancel(key)
    else this.#timers.set(key, this.#context.currentSystemTimeMs() + Number(value))
  }
}

export function timersSubject(): Topology {
  const builder = new StreamsBuilder()
  builder
    .stream('in', text)
    .process({ get: () => new Firing(), stores: [timers, firings] })
    .to('out', count)
  return builder.build()
}

/** A millisecond between two timers; every tenth key has a further one that is cancelled. */
export async function prepareTimers(broker: Broker, timerCount: number): Promise<void> {
  await createTopics(broker, { in: 1, out: 1 })
  const input = Array.from({ length: timerCount }, (_, at): Pair[] => {
    const own: Pair = [`k${at}`, `${at}`]
    return at % 10 === 0 ? [own, [`never${at}`, `${HOUR_MS}`], [`never${at}`, 'cancel']] : [own]
  })
  await produce(broker, 'in', 1, input.flat())
}

/** Committed firings, `key=how often`. */
export async function seenFirings(broker: Broker): Promise<string[]> {
  return (await readAll(broker, 'out')).map(({ key, value }) => `${textOf(key)}=${int64Of(value)}`)
}
