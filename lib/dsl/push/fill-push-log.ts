import { Fifo } from '../../common/fifo.ts'
import type { ProcessorContext } from '../../processor/processor-context.ts'
import type { Processor } from '../../processor/processor.ts'
import type { Record } from '../../processor/record.ts'
import type { KeyValueStore } from '../../store/contract/key-value-store.ts'
import { pushKey, type PushEvent } from './push-event.ts'

/** Old events that one new event does away with, at most. */
const SWEPT_AT_ONCE = 16

export interface PushLogSettings {
  readonly storeName: string
  readonly retentionMs: number
  readonly eventsMax: number
}

/**
 * Fills this process's log of all channels from the topic, and keeps it small: by age, and each channel by
 * count. It is in memory, and read anew at each start.
 */
export class FillPushLog implements Processor<string | null, PushEvent | null> {
  readonly #settings: PushLogSettings
  /** What is in the log, oldest first. */
  readonly #kept = new Fifo<{ readonly key: string; readonly atMs: number }>()
  #context!: ProcessorContext
  #log!: KeyValueStore<string, PushEvent>

  constructor(settings: PushLogSettings) {
    this.#settings = settings
  }

  init(context: ProcessorContext): void {
    this.#context = context
    this.#log = context.getStateStore(this.#settings.storeName)
  }

  process({ key: channel, value: event, timestamp }: Record<string | null, PushEvent | null>): void {
    if (channel === null || event === null) return
    const log = this.#log
    const key = pushKey(channel, event.seq)
    log.put(key, event)
    this.#kept.push({ key, atMs: timestamp })
    const behind = pushKey(channel, event.seq - this.#settings.eventsMax)
    if (event.seq > this.#settings.eventsMax && log.get(behind)?.isTerminal !== true) log.delete(behind)
    // By this process's clock, not by the newest record's: a wrong one would do away with everything.
    this.#sweep(this.#context.currentSystemTimeMs() - this.#settings.retentionMs)
  }

  #sweep(beforeMs: number): void {
    for (let swept = 0; swept < SWEPT_AT_ONCE; swept += 1) {
      const oldest = this.#kept.peek()
      if (!oldest || oldest.atMs >= beforeMs) return
      this.#kept.shift()
      this.#log.delete(oldest.key)
    }
  }
}
