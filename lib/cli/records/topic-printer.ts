import { once } from 'node:events'
import type { Admin, Broker, Consumer, TopicPartition } from '../../broker/broker.ts'
import type { Clock } from '../../common/clock.ts'
import { partitionKey } from '../../common/ids.ts'
import type { Logger } from '../../common/logger.ts'
import { painted } from '../output/colours.ts'
import type { PrintFormats } from './record-format.ts'

const RECORDS_PER_POLL = 1000
const WAIT_MS = 100
const FINISH_MS_MAX = 3000

export interface PrinterOptions {
  readonly broker: Broker
  readonly admin: Admin
  readonly formats: PrintFormats
  readonly output: NodeJS.WritableStream & { readonly isTTY?: boolean }
  /** Called before each write: what else is on the terminal gives way. */
  readonly onWrite?: () => void
  readonly clock: Clock
  readonly logger: Logger
}

/** Prints what is committed to some topics from now on, one line a record, to its output. */
export class TopicPrinter {
  readonly #options: PrinterOptions
  readonly #consumer: Consumer
  readonly #partitions: readonly TopicPartition[]
  #ends: ReadonlyMap<string, number> | undefined
  #deadlineMs = Infinity

  private constructor(options: PrinterOptions, consumer: Consumer, partitions: readonly TopicPartition[]) {
    this.#options = options
    this.#consumer = consumer
    this.#partitions = partitions
  }

  static async open(options: PrinterOptions): Promise<TopicPrinter> {
    const { broker, admin, formats } = options
    const topics = await admin.describeTopics([...formats.byTopic.keys()])
    const partitions = [...topics.values()].flatMap(({ topic, partitionCount }) =>
      Array.from({ length: partitionCount }, (_, partition) => ({ topic, partition })),
    )
    const ends = await admin.endOffsets(partitions, 'read_committed')
    const consumer = await broker.consumer({ clientId: 'millrace-print', isolation: 'read_committed' })
    consumer.assign(partitions.map(each => ({ ...each, offset: endOf(each, ends) })))
    return new TopicPrinter(options, consumer, partitions)
  }

  /** Until `finish`, or an error of the broker or the output. */
  async run(): Promise<void> {
    await this.#write(painted('bold', this.#options.formats.heading, this.#options.output))
    while (!this.#isFinished()) {
      await this.#consumer.ready(WAIT_MS)
      await this.#printPolled()
    }
  }

  /** Lets `run` end when all is printed that is committed now. */
  async finish(): Promise<void> {
    const { admin, clock } = this.#options
    this.#deadlineMs = clock.monotonicMs() + FINISH_MS_MAX
    this.#ends = await admin.endOffsets(this.#partitions, 'read_committed')
  }

  async close(): Promise<void> {
    await this.#consumer.close()
  }

  async #printPolled(): Promise<void> {
    let lines = ''
    for (const { topic, partition, records } of this.#consumer.poll(RECORDS_PER_POLL)) {
      const format = this.#options.formats.byTopic.get(topic)
      if (format) for (const record of records) lines += format(record, partition)
    }
    await this.#write(lines)
  }

  async #write(text: string): Promise<void> {
    const { output, onWrite } = this.#options
    if (text !== '') onWrite?.()
    if (text !== '' && !output.write(text)) await once(output, 'drain')
  }

  #isFinished(): boolean {
    if (this.#options.clock.monotonicMs() > this.#deadlineMs) {
      this.#options.logger.log('warn', 'not all of the printed topics could be read to their ends')
      return true
    }
    const ends = this.#ends
    if (!ends) return false
    return this.#partitions.every(each => (this.#consumer.position(each) ?? 0) >= endOf(each, ends))
  }
}

function endOf({ topic, partition }: TopicPartition, ends: ReadonlyMap<string, number>): number {
  return ends.get(partitionKey(topic, partition)) ?? 0
}
