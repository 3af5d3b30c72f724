import { StreamsBuilder } from '../../../lib/dsl/methods/streams-builder.ts'
import type { ProcessorContext } from '../../../lib/processor/processor-context.ts'
import type { Processor } from '../../../lib/processor/processor.ts'
import type { Record } from '../../../lib/processor/record.ts'
import { serdes } from '../../../lib/serde/serdes.ts'
import type { OffsetReset } from '../../../lib/topology/plan.ts'
import type { Topology } from '../../../lib/topology/topology.ts'

const text = { keySerde: serdes.string(), valueSerde: serdes.string() }
const counts = { keySerde: serdes.string(), valueSerde: serdes.int64() }

export interface LedgerOptions {
  /** Each record keeps the process busy for so long. */
  readonly slowMs?: number
  /** Of the input. */
  readonly offsetReset?: OffsetReset
  /**
   * Each input whose number this divides also makes a record of `LARGE_CHARS`, in the output `large`: it may
   * be refused.
   */
  readonly largeEvery?: number
}

export const LARGE_CHARS = 4_000

/**
 * A topic of every kind, and outputs in which every flaw shows. Input `k-…`, `number group`; `seen` says of
 * each record where it came from, `joined` which row of the global table it met, `perkey` is the count of its
 * key, `groups` that of its group, behind a repartition topic.
 */
export function ledgerTopology(prefix: string, options: LedgerOptions = {}): Topology {
  const { slowMs = 0, offsetReset, largeEvery } = options
  const builder = new StreamsBuilder()
  const input = builder.stream(`${prefix}in`, { ...text, ...(offsetReset ? { offsetReset } : {}) })
  input.process<string, string>({ get: () => new Tracer(slowMs) }).to(`${prefix}seen`, text)
  input
    .leftJoin(
      builder.globalTable(`${prefix}table`, text),
      (_value, key) => key,
      (value, row: string | null | undefined) => `${numberOf(value)}|${row ?? 'none'}`,
    )
    .to(`${prefix}joined`, text)
  input.groupByKey(text).count({ storeName: 'keys' }).toStream().to(`${prefix}perkey`, counts)
  input
    .groupBy(value => groupOf(value), text)
    .count({ storeName: 'groups' })
    .toStream()
    .to(`${prefix}groups`, counts)
  if (largeEvery !== undefined)
    input
      .filter(value => Number(numberOf(value)) % largeEvery === 0)
      .mapValues(value => value.padEnd(LARGE_CHARS, '.'))
      .to(`${prefix}large`, text)
  return builder.build()
}

/** Of an input value. */
export const numberOf = (value: string) => value.slice(0, value.indexOf(' '))
export const groupOf = (value: string) => value.split(' ', 2)[1]!

class Tracer implements Processor<string, string, string, string> {
  readonly #slowMs: number
  #context!: ProcessorContext<string, string>

  constructor(slowMs: number) {
    this.#slowMs = slowMs
  }

  init(context: ProcessorContext<string, string>): void {
    this.#context = context
  }

  process(record: Record<string, string>): void {
    const untilMs = performance.now() + this.#slowMs
    while (performance.now() < untilMs);
    const { partition, offset } = this.#context.recordMetadata()!
    this.#context.forward(record.withValue(`${partition}:${offset}`))
  }
}
