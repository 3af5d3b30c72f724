import type { Broker, IsolationLevel, TopicPartitionOffset } from '../../broker/broker.ts'
import { readPartitions } from '../../broker/open/read-partitions.ts'
import type { Clock } from '../../common/clock.ts'
import { errorFrom } from '../../common/errors/errors.ts'
import type { Logger } from '../../common/logger.ts'
import { EventStream } from './event-stream.ts'
import type { RecordDecoder } from './record-decoder.ts'
import { isWanted, viewOf, type RecordFilter } from './record-view.ts'

export interface FollowOptions {
  readonly broker: Broker
  readonly clock: Clock
  readonly logger: Logger
  readonly stop: AbortSignal
  readonly starts: readonly TopicPartitionOffset[]
  readonly isolation: IsolationLevel
  readonly decoder: RecordDecoder
  readonly filter: RecordFilter
}

/** Nobody reads more than that; the rest is counted. */
const SHOWN_A_SECOND = 50
const SECOND_MS = 1_000

/** Records as they come, as events `record`; of those left out, their number each second, as `skipped`. */
export function followTopic(options: FollowOptions): Response {
  const { clock, stop } = options
  const left = new AbortController()
  const stream = new EventStream({ clock, stop, onClose: () => left.abort() })
  void follow(stream, options, AbortSignal.any([stop, left.signal]))
  return stream.response
}

async function follow(stream: EventStream, options: FollowOptions, signal: AbortSignal): Promise<void> {
  const { broker, isolation, starts, logger } = options
  const shown = new ShownRecords(stream, options)
  try {
    const batches = readPartitions(broker, { clientId: 'millrace-console', isolation, starts, signal })
    for await (const { partition, records } of batches)
      for (const record of records) shown.take(() => viewOf(partition, record, options.decoder))
  } catch (reason) {
    const error = errorFrom(reason)
    logger.log('warn', `the console cannot follow a topic: ${error.message}`, { error })
    stream.send('failed', { code: 'INTERNAL', message: error.message })
  } finally {
    shown.close()
    stream.close()
  }
}

class ShownRecords {
  readonly #stream: EventStream
  readonly #options: FollowOptions
  #secondMs: number
  #shown = 0
  #skipped = 0
  #timer

  constructor(stream: EventStream, options: FollowOptions) {
    this.#stream = stream
    this.#options = options
    this.#secondMs = options.clock.monotonicMs()
    this.#timer = this.#tellSkipped()
  }

  /** `view` costs something, and is made for records that are shown, or that a filter has to look at. */
  take(view: () => ReturnType<typeof viewOf>): void {
    const nowMs = this.#options.clock.monotonicMs()
    if (nowMs - this.#secondMs >= SECOND_MS) {
      this.#secondMs = nowMs
      this.#shown = 0
    }
    if (this.#shown >= SHOWN_A_SECOND || this.#stream.isBehind) {
      this.#skipped += 1
      return
    }
    const shown = view()
    if (!isWanted(shown, this.#options.filter)) return
    this.#shown += 1
    this.#stream.send('record', shown)
  }

  close(): void {
    this.#timer.cancel()
  }

  #tellSkipped(): ReturnType<Clock['schedule']> {
    const tell = () => {
      if (this.#skipped > 0) this.#stream.send('skipped', { skipped: this.#skipped })
      this.#skipped = 0
      this.#timer = this.#tellSkipped()
    }
    return this.#options.clock.schedule(SECOND_MS, tell, { keepsAlive: false })
  }
}
