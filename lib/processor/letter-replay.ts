import { droppedRecords } from '../common/metrics/dropped-records.ts'
import type { Counter } from '../common/metrics/meter.ts'
import { deferringContext, type DeferringContext } from './deferred-work.ts'
import { contextOf, readLetter } from './letter.ts'
import type { ProcessorContext } from './processor-context.ts'
import type { Processor } from './processor.ts'
import { Record } from './record.ts'

/**
 * Stands beside a source, and hands letters of its records to the nodes below it: with the place, the time
 * and the headers that the record had, so that whatever is below takes it for the record.
 */
export class LetterReplay implements Processor {
  #context!: DeferringContext
  #dropped!: Counter

  init(context: ProcessorContext): void {
    this.#context = deferringContext(context)
    this.#dropped = droppedRecords(context.metrics, context.taskId)
  }

  process({ key, value }: Record<unknown, unknown>): void {
    const { topic, partition, offset, headers, source, timestamp } = this.#context.recordContext()
    const letter = source && readLetter({ key: source.key, value: source.value, headers, timestamp })
    if (!letter || topic === undefined) {
      this.#dropped.add()
      return this.#context.logger.log('warn', `a record in ${topic} is no dead letter, and is dropped`)
    }
    const context = { ...contextOf(letter), readAt: { topic, partition, offset } }
    const record = new Record(key, value, context.timestamp, context.headers)
    this.#context.forwardAs(context, record)
  }
}
