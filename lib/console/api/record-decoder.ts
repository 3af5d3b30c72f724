import { Buffer } from 'node:buffer'
import type { RawRecord } from '../../broker/broker.ts'
import { Headers } from '../../common/headers.ts'
import { resolveSerde } from '../../serde/open-serde.ts'
import type { Serde } from '../../serde/serde.ts'
import type { NodePlan } from '../../topology/plan.ts'
import type { ConsoleApplication } from './console-parts.ts'

/** `auto`: by the serde that an application has for the topic, else by looking at the bytes. */
export const FORMATS = ['auto', 'json', 'text', 'hex'] as const
export type Format = (typeof FORMATS)[number]

/** What a part of a record is shown as, and in which format. */
export interface Shown {
  readonly value: unknown
  readonly format: string
}

interface Serdes {
  readonly key: Serde<unknown> | undefined
  readonly value: Serde<unknown> | undefined
}

const HEX_BYTES_MAX = 4 * 1024
const TEXT_BYTES_MAX = 1024 * 1024

/** Bytes of a topic's records as people read them. */
export class RecordDecoder {
  readonly #topic: string
  readonly #serdes: Serdes
  readonly #format: Format

  constructor(topic: string, applications: readonly ConsoleApplication[], format: Format = 'auto') {
    this.#topic = topic
    this.#format = format
    this.#serdes = serdesOf(topic, applications)
  }

  shown(record: RawRecord, part: 'key' | 'value'): Shown {
    const bytes = record[part]
    if (bytes === null) return { value: null, format: 'null' }
    if (this.#format === 'hex') return hexOf(bytes)
    if (this.#format === 'text') return { value: textOf(bytes), format: 'text' }
    const serde = this.#serdes[part]
    return (this.#format === 'auto' && serde && this.#bySerde(serde, bytes, record)) || byLooking(bytes)
  }

  #bySerde(serde: Serde<unknown>, bytes: Uint8Array, { headers }: RawRecord): Shown | undefined {
    try {
      const value = serde.deserialize(bytes, { topic: this.#topic, headers: new Headers(headers) })
      return { value, format: serde.name ?? 'serde' }
    } catch {
      // Somebody else may write to the topic as well: whoever looks wants to see that, too.
      return undefined
    }
  }
}

/** Serdes by which an application writes the topic, or reads it, or keeps a store in it. */
function serdesOf(topic: string, applications: readonly ConsoleApplication[]): Serdes {
  for (const { plan, config } of applications) {
    const resolved = (key: Serde<unknown> | undefined, value: Serde<unknown> | undefined): Serdes => ({
      key: resolveSerde(key, config.defaultKeySerde),
      value: resolveSerde(value, config.defaultValueSerde),
    })
    const all = [...plan.subtopologies, ...plan.globalSubtopologies]
    const nodes = all.flatMap(each => each.nodes)
    const writes = (node: NodePlan) => node.kind === 'sink' && node.topic === topic
    const reads = (node: NodePlan) => node.kind === 'source' && node.topics.includes(topic)
    const node = nodes.find(writes) ?? nodes.find(reads)
    if (node && node.kind !== 'processor' && (node.keySerde || node.valueSerde))
      return resolved(node.keySerde, node.valueSerde)
    const store = all.flatMap(({ stores }) => stores).find(({ changelogTopic }) => changelogTopic === topic)
    if (store) return resolved(store.builder.keySerde, undefined)
  }
  return { key: undefined, value: undefined }
}

/** JSON where it is, text where it is, else hexadecimal. */
export function byLooking(bytes: Uint8Array): Shown {
  const text = textOf(bytes)
  // Control characters are no text that people read; they begin binary formats.
  // eslint-disable-next-line no-control-regex
  if (text === undefined || /[\u0000-\u0008\u000e-\u001f]/.test(text)) return hexOf(bytes)
  if (/^\s*[[{"\-\dtfn]/.test(text)) {
    try {
      return { value: JSON.parse(text), format: 'json' }
    } catch {
      // It only begins like JSON.
    }
  }
  return { value: text, format: 'text' }
}

function hexOf(bytes: Uint8Array): Shown {
  return { value: bufferOf(bytes).toString('hex', 0, HEX_BYTES_MAX), format: 'hex' }
}

/** Undefined where the bytes are no UTF-8. */
function textOf(bytes: Uint8Array): string | undefined {
  const buffer = bufferOf(bytes).subarray(0, TEXT_BYTES_MAX)
  try {
    return new TextDecoder('utf-8', { fatal: buffer.length === bytes.length }).decode(buffer)
  } catch {
    return undefined
  }
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}
