import type { Broker } from '../../lib/broker/broker.ts'
import { StreamsBuilder } from '../../lib/dsl/methods/streams-builder.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import type { Topology } from '../../lib/topology/topology.ts'
import { readAll, textOf } from './topics.ts'

const EVERY_MS = 1

/** Fires every millisecond, unless told otherwise, and makes up for whatever it missed. */
export function schedulesSubject(prefix = '', everyMs = EVERY_MS): Topology {
  const builder = new StreamsBuilder()
  builder
    .schedule('tick', { everyMs, onMissed: 'all', catchUpMs: 3_600_000 })
    .map(({ fireId, nominalMs }) => [fireId, String(nominalMs)])
    .to(`${prefix}out`, { keySerde: serdes.string(), valueSerde: serdes.string() })
  const mails = { topic: `${prefix}mails`, keySerde: serdes.string(), valueSerde: serdes.string() }
  builder.schedules({ to: { mails }, partitionCount: 2 })
  return builder.build()
}

/** Times of the committed firings, in order of their times. */
export async function firedTimes(broker: Broker, topic: string): Promise<number[]> {
  const records = await readAll(broker, topic)
  return records.map(({ value }) => Number(textOf(value))).sort((left, right) => left - right)
}

/** Times between the first and the last that did not fire, or fired more than once. */
export function gapsAndDoubles(times: readonly number[], everyMs = EVERY_MS): string[] {
  return times.flatMap((at, index) => {
    const before = times[index - 1] ?? at - everyMs
    return at - before === everyMs ? [] : [`${before} → ${at}`]
  })
}
