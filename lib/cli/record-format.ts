import { Headers } from '../common/headers.ts'
import { utf8Text } from '../common/bytes.ts'
import type { RawRecord } from '../broker/broker.ts'
import { resolveSerde } from '../serde/open-serde.ts'
import type { Serde } from '../serde/serde.ts'
import type { StreamsConfig } from '../streams/config.ts'
import type { NodePlan, TopologyPlan } from '../topology/plan.ts'

/** A record as one line: key, tab, value. */
export type RecordFormat = (record: RawRecord) => string

/**
 * The format for a topic: decoded by the serdes of the sink that writes it, or the source that reads it, or the application's;
 * as UTF-8 where there are none, and where bytes do not fit them.
 */
export function recordFormat(
  topic: string,
  plan: TopologyPlan,
  config: Partial<StreamsConfig>,
): RecordFormat {
  const node = nodeOf(topic, plan)
  const keySerde = resolveSerde(node?.keySerde, config.defaultKeySerde)
  const valueSerde = resolveSerde(node?.valueSerde, config.defaultValueSerde)
  return record => {
    const context = { topic, headers: new Headers(record.headers) }
    return `${text(record.key, keySerde, context)}\t${text(record.value, valueSerde, context)}\n`
  }
}

function nodeOf(topic: string, plan: TopologyPlan) {
  const nodes = [...plan.subtopologies, ...plan.globalSubtopologies].flatMap(({ nodes }) => nodes)
  const writes = (node: NodePlan) => node.kind === 'sink' && node.topic === topic
  const reads = (node: NodePlan) => node.kind === 'source' && node.topics.includes(topic)
  const found = nodes.find(writes) ?? nodes.find(reads)
  return found?.kind === 'processor' ? undefined : found
}

function text(
  bytes: Uint8Array | null,
  serde: Serde<unknown> | undefined,
  context: { readonly topic: string; readonly headers: Headers },
): string {
  if (bytes === null) return 'null'
  return shown(decoded(bytes, serde, context))
}

function decoded(
  bytes: Uint8Array,
  serde: Serde<unknown> | undefined,
  context: { topic: string; headers: Headers },
) {
  try {
    return serde ? serde.deserialize(bytes, context) : bytes
  } catch {
    // Somebody else may write to the topic as well: whoever looks wants to see that, too.
    return bytes
  }
}

function shown(value: unknown): string {
  if (value instanceof Uint8Array) return utf8Text(value)
  if (typeof value === 'object') return JSON.stringify(value, (_, part: unknown) => plain(part))
  return String(value)
}

function plain(value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value
}
