import type { ProcessorContext } from '../../processor/processor-context.ts'
import type { Processor } from '../../processor/processor.ts'
import type { Record } from '../../processor/record.ts'
import type { KeyValueStore } from '../../store/contract/key-value-store.ts'
import type { Timers } from '../../store/contract/timer-store.ts'
import type { ChannelEvent, ChannelNumber, PushEvent } from './push-event.ts'

const DAY_MS = 24 * 3_600_000
/** A channel that has told no end may be silent for so long, and goes on with its numbers. */
const SILENT_MS = 7 * DAY_MS

export interface NumberEventsSettings {
  readonly numbersStore: string
  readonly timersStore: string
  readonly retentionMs: number
}

/**
 * Numbers each channel's events 1, 2, 3 …, in one transaction with the events: a number is given once, and
 * none is left out. The number of a channel is forgotten when the last event is no longer kept, and, where
 * that told no end, not before a week.
 */
export class NumberEvents implements Processor<string, ChannelEvent, string, PushEvent> {
  readonly #settings: NumberEventsSettings
  #context!: ProcessorContext<string, PushEvent>
  #numbers!: KeyValueStore<string, ChannelNumber>
  #timers!: Timers<string>

  constructor(settings: NumberEventsSettings) {
    this.#settings = settings
  }

  init(context: ProcessorContext<string, PushEvent>): void {
    const { numbersStore, timersStore } = this.#settings
    this.#context = context
    this.#numbers = context.getStateStore(numbersStore)
    this.#timers = context.timers<string>(timersStore, channel => this.#maybeForget(channel))
  }

  process(record: Record<string, ChannelEvent>): void {
    const { key: channel, value: event } = record
    const known = this.#numbers.get(channel)
    const seq = (known?.seq ?? 0) + 1
    const atMs = this.#context.currentSystemTimeMs()
    const next = { seq, atMs, isTerminal: event.isTerminal === true }
    this.#numbers.put(channel, next)
    // The timer of a known channel is set anew when it fires, and not with each event.
    if (!known) this.#timers.set(channel, atMs + this.#keptMs(next))
    // The topic keeps records by their time: that of an old record, or of a wrong clock, would be none to go
    // by.
    const numbered = record.withValue({ seq, atMs: record.timestamp, ...event })
    this.#context.forward(numbered.withTimestamp(atMs))
  }

  #maybeForget(channel: string): void {
    const known = this.#numbers.get(channel)
    if (!known) return
    const dueMs = known.atMs + this.#keptMs(known)
    if (dueMs <= this.#context.currentSystemTimeMs()) this.#numbers.delete(channel)
    else this.#timers.set(channel, dueMs)
  }

  #keptMs({ isTerminal }: ChannelNumber): number {
    const { retentionMs } = this.#settings
    return isTerminal ? retentionMs : Math.max(retentionMs, SILENT_MS)
  }
}
