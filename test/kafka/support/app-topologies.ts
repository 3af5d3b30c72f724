import { StreamsBuilder } from '../../../lib/dsl/methods/streams-builder.ts'
import type { ProcessorContext } from '../../../lib/processor/processor-context.ts'
import type { Processor } from '../../../lib/processor/processor.ts'
import { Record } from '../../../lib/processor/record.ts'
import { serdes } from '../../../lib/serde/serdes.ts'
import type { Topology } from '../../../lib/topology/topology.ts'
import { commitSubject } from '../../support/commit-subject.ts'
import { gatherSubject } from '../../support/gather-subject.ts'
import { renewalsSubject } from '../../support/renewals-subject.ts'
import { retrySubject } from '../../support/retry-subject.ts'
import { schedulesSubject } from '../../support/schedules-subject.ts'

const text = { keySerde: serdes.string(), valueSerde: serdes.string() }

/** What a process of `app-process.ts` can run; `prefix` opens the names of its topics. */
export const appTopologies = {
  /** One partition, every flaw of a commit shows. */
  'commit-subject': commitSubject,
  /**
   * Says of every record where it came from and who processed it; counts groups behind a repartition topic.
   */
  tracer,
  /** Writes by the clock, input or not. */
  ticker,
  /** Calls that fail, are parked, and are given up. */
  retry: prefix => retrySubject({}, prefix),
  /** A schedule, and calls of a provider. */
  renewals: prefix => renewalsSubject(prefix),
  /** Batches, and when they are complete. */
  gather: prefix => gatherSubject(prefix),
  /** Fires every millisecond, and takes schedules as data. */
  schedules: prefix => schedulesSubject(prefix),
} satisfies { readonly [name: string]: (prefix: string) => Topology }

export type AppTopology = keyof typeof appTopologies

function tracer(prefix: string): Topology {
  const builder = new StreamsBuilder()
  const input = builder.stream(`${prefix}in`, text)
  input.process<string, string>({ get: () => new Tracer() }).to(`${prefix}seen`, text)
  input
    .groupBy(value => `group-${Number(value) % 7}`, text)
    .count({ storeName: 'groups' })
    .toStream()
    .to(`${prefix}groups`, { keySerde: serdes.string(), valueSerde: serdes.int64() })
  return builder.build()
}

/** Key as it comes, so that the output's partition is the input's. */
class Tracer implements Processor<string, string, string, string> {
  #context!: ProcessorContext<string, string>

  init(context: ProcessorContext<string, string>): void {
    this.#context = context
  }

  process(record: Record<string, string>): void {
    const { partition, offset } = this.#context.recordMetadata()!
    this.#context.forward(record.withValue(`${partition}:${offset}:${process.pid}`))
  }
}

const TICK_MS = 20
/** Over the whole process: no record of it is ever like another. */
let ticks = 0
let lives = 0

function ticker(prefix: string): Topology {
  const builder = new StreamsBuilder()
  builder
    .stream(`${prefix}in`, text)
    .process<string, string>({ get: () => new Ticker() })
    .to(`${prefix}ticks`, text)
  return builder.build()
}

/** A tick is `key = task`, `value = pid:life:tick`; a life ends where the processor is made anew. */
class Ticker implements Processor<string, string, string, string> {
  readonly #life = (lives += 1)
  #context!: ProcessorContext<string, string>

  init(context: ProcessorContext<string, string>): void {
    this.#context = context
    context.schedule({ intervalMs: TICK_MS, type: 'wall-clock-time' }, timeMs => {
      ticks += 1
      context.forward(new Record(context.taskId, `${process.pid}:${this.#life}:${ticks}`, timeMs))
    })
  }

  process(record: Record<string, string>): void {
    this.#context.forward(record.withValue(`echo:${record.value}`))
  }
}
