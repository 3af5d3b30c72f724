import { Headers } from '../../common/headers.ts'
import { utf8Text } from '../../common/bytes.ts'
import type { RawRecord } from '../../broker/broker.ts'
import type { Windowed } from '../../common/windowed.ts'
import { resolveSerde } from '../../serde/open-serde.ts'
import type { Serde } from '../../serde/serde.ts'
import { WindowedSerde } from '../../serde/windowed-serdes.ts'
import type { StreamsConfig } from '../../streams/config.ts'
import type { NodePlan, TopologyPlan } from '../../topology/plan.ts'
import { escapedCell, recordRow, timeText, windowText } from './record-table.ts'

export const PRINT_FORMATS = ['text', 'table'] as const
export type PrintFormat = (typeof PRINT_FORMATS)[number]

/** A record as one line. */
export type RecordFormat = (record: RawRecord, partition: number) => string

export interface PrintFormats {
  /** A line before all records, or nothing. */
  readonly heading: string
  readonly byTopic: ReadonlyMap<string, RecordFormat>
}

/**
 * How records of the topics are printed: as `key, tab, value`, or in a table with their times, partitions and
 * windows. They are decoded by the serdes of the sink that writes a topic, or the source that reads it, or
 * the application's; as UTF-8 where there are none, and where bytes do not fit them.
 */
export function printFormats(
  format: PrintFormat,
  topics: readonly string[],
  { plan, config }: { readonly plan: TopologyPlan; readonly config: Partial<StreamsConfig> },
): PrintFormats {
  const decoders = topics.map(topic => new RecordDecoder(topic, plan, config))
  if (format === 'text') {
    const byTopic = new Map(decoders.map(decoder => [decoder.topic, textFormat(decoder)]))
    return { heading: '', byTopic }
  }
  const columns = COLUMNS.filter(({ isNeeded }) => isNeeded(decoders))
  const widths = columns.map(({ width }) => width(decoders))
  return {
    heading: recordRow(
      columns.map(({ title }) => title),
      widths,
    ),
    byTopic: new Map(decoders.map(decoder => [decoder.topic, tableFormat(decoder, columns, widths)])),
  }
}

function textFormat(decoder: RecordDecoder): RecordFormat {
  return record => `${shown(decoder.key(record))}\t${shown(decoder.value(record))}\n`
}

interface Cells {
  readonly decoder: RecordDecoder
  readonly record: RawRecord
  readonly partition: number
  readonly key: unknown
}

interface Column {
  readonly title: string
  readonly isNeeded: (decoders: readonly RecordDecoder[]) => boolean
  readonly width: (decoders: readonly RecordDecoder[]) => number
  readonly cell: (cells: Cells) => string
}

const COLUMNS: readonly Column[] = [
  { title: 'TIME', isNeeded: () => true, width: () => 24, cell: ({ record }) => timeText(record.timestamp) },
  {
    title: 'TOPIC',
    isNeeded: decoders => decoders.length > 1,
    width: decoders => Math.max(...decoders.map(({ topic }) => topic.length)),
    cell: ({ decoder }) => decoder.topic,
  },
  { title: 'PARTITION', isNeeded: () => true, width: () => 9, cell: ({ partition }) => String(partition) },
  {
    title: 'WINDOW',
    isNeeded: decoders => decoders.some(({ isWindowed }) => isWindowed),
    width: () => 37,
    cell: ({ decoder, key }) => (decoder.isWindowed && isWindowedKey(key) ? windowText(key.window) : ''),
  },
  {
    title: 'KEY',
    isNeeded: () => true,
    width: () => 20,
    cell: ({ decoder, key }) => escapedCell(shown(decoder.isWindowed && isWindowedKey(key) ? key.key : key)),
  },
  {
    title: 'VALUE',
    isNeeded: () => true,
    width: () => 0,
    cell: ({ decoder, record }) => escapedCell(shown(decoder.value(record))),
  },
]

function tableFormat(
  decoder: RecordDecoder,
  columns: readonly Column[],
  widths: readonly number[],
): RecordFormat {
  return (record, partition) => {
    const cells = { decoder, record, partition, key: decoder.key(record) }
    return recordRow(
      columns.map(({ cell }) => cell(cells)),
      widths,
    )
  }
}

/** What does not fit its serde comes as bytes. */
function isWindowedKey(key: unknown): key is Windowed<unknown> {
  return typeof key === 'object' && key !== null && 'window' in key
}

class RecordDecoder {
  readonly topic: string
  readonly isWindowed: boolean
  readonly #keySerde: Serde<unknown> | undefined
  readonly #valueSerde: Serde<unknown> | undefined

  constructor(topic: string, plan: TopologyPlan, config: Partial<StreamsConfig>) {
    const node = nodeOf(topic, plan)
    this.topic = topic
    this.#keySerde = resolveSerde(node?.keySerde, config.defaultKeySerde)
    this.#valueSerde = resolveSerde(node?.valueSerde, config.defaultValueSerde)
    this.isWindowed = this.#keySerde instanceof WindowedSerde
  }

  key(record: RawRecord): unknown {
    return this.#decoded(record.key, this.#keySerde, record)
  }

  value(record: RawRecord): unknown {
    return this.#decoded(record.value, this.#valueSerde, record)
  }

  #decoded(bytes: Uint8Array | null, serde: Serde<unknown> | undefined, { headers }: RawRecord): unknown {
    if (bytes === null || !serde) return bytes
    try {
      return serde.deserialize(bytes, { topic: this.topic, headers: new Headers(headers) })
    } catch {
      // Somebody else may write to the topic as well: whoever looks wants to see that, too.
      return bytes
    }
  }
}

function nodeOf(topic: string, plan: TopologyPlan) {
  const nodes = [...plan.subtopologies, ...plan.globalSubtopologies].flatMap(({ nodes }) => nodes)
  const writes = (node: NodePlan) => node.kind === 'sink' && node.topic === topic
  const reads = (node: NodePlan) => node.kind === 'source' && node.topics.includes(topic)
  const found = nodes.find(writes) ?? nodes.find(reads)
  return found?.kind === 'processor' ? undefined : found
}

function shown(value: unknown): string {
  if (value instanceof Uint8Array) return utf8Text(value)
  if (typeof value === 'object') return JSON.stringify(value, (_, part: unknown) => plain(part))
  return String(value)
}

function plain(value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value
}
