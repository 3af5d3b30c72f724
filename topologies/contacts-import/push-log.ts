import { serdes, stores, type KeyValueStore, type ProcessorSupplier, type Record } from 'millrace'
import { guarded } from '../processors/guarded.ts'
import { pushKey } from './keys.ts'
import type { PushEvent } from './records.ts'

/** A channel's progress events are kept this many numbers back, its starts and completions `EVENTS_MAX`. */
const PROGRESS_MAX = 64
const EVENTS_MAX = 1024
/** What nobody has asked for in this time is not asked for any more. */
const KEPT_MS = 24 * 3_600_000
const SWEEP_EVERY = 64
const SWEPT_AT_ONCE = 256

/** What browsers may still ask for, of all channels, by channel and number. */
export const pushLogStore = stores.keyValueStore<string, PushEvent>({
  name: 'push-log',
  keySerde: serdes.string(),
  valueSerde: serdes.json(),
})

/** Fills the push log of this process from the topic `push`, and keeps it small. */
export function fillPushLog(): ProcessorSupplier<string | null, PushEvent | null> {
  return guarded({ make: context => new PushLog(context.getStateStore(pushLogStore)) })
}

class PushLog {
  readonly #log: KeyValueStore<string, PushEvent>
  #sweptTo: string | undefined
  #untilSweep = SWEEP_EVERY

  constructor(log: KeyValueStore<string, PushEvent>) {
    this.#log = log
  }

  process({ key: channel, value: event, timestamp }: Record<string, PushEvent>): void {
    const log = this.#log
    log.put(pushKey(channel, event.seq), event)
    const behind = pushKey(channel, event.seq - PROGRESS_MAX)
    if (log.get(behind)?.type === 'progress') log.delete(behind)
    log.delete(pushKey(channel, event.seq - EVENTS_MAX))
    this.#untilSweep -= 1
    if (this.#untilSweep <= 0) this.#sweep(timestamp)
  }

  /** Walks the log a piece at a time, all channels in turn: a global store has no timer of its own. */
  #sweep(nowMs: number): void {
    this.#untilSweep = SWEEP_EVERY
    const old: string[] = []
    let steps = 0
    let at: string | undefined
    for (const [key, event] of this.#log.range(this.#sweptTo, undefined)) {
      at = key
      if (event.at < nowMs - KEPT_MS) old.push(key)
      steps += 1
      if (steps === SWEPT_AT_ONCE) break
    }
    this.#sweptTo = steps < SWEPT_AT_ONCE ? undefined : at
    for (const key of old) this.#log.delete(key)
  }
}
