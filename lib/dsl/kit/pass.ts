import type { ProcessorContext } from '../../processor/processor-context.ts'
import type { Processor, ProcessorSupplier } from '../../processor/processor.ts'
import type { Record } from '../../processor/record.ts'

class Pass implements Processor {
  #context!: ProcessorContext

  init(context: ProcessorContext): void {
    this.#context = context
  }

  process(record: Record<unknown, unknown>): void {
    this.#context.forward(record)
  }
}

class DropNullKeys implements Processor {
  #context!: ProcessorContext

  init(context: ProcessorContext): void {
    this.#context = context
  }

  process(record: Record<unknown, unknown>): void {
    if (record.key !== null) this.#context.forward(record)
  }
}

/** Supplies processors that forward records unchanged. */
export const passThrough: ProcessorSupplier = { get: () => new Pass() }

/**
 * Supplies the filter before repartition topics. Records that it leaves out do not count as dropped, as in
 * Kafka Streams.
 */
export const nullKeyFilter: ProcessorSupplier = { get: () => new DropNullKeys() }
