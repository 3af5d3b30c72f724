import { serdes, stores, type KeyValueStore, type ProcessorSupplier } from 'millrace'
import type { RowFailure } from './records.ts'
import { DAY_MS } from './topics.ts'

/** Old failures that one new failure does away with, at most. */
const SWEPT_AT_ONCE = 16
const TIME_DIGITS = 9
const ROW_DIGITS = 7

/** Failed rows of all imports, in every process: any of them answers for all. */
export const failuresStore = stores.keyValueStore<string, RowFailure>({
  ...{ name: 'failures', keySerde: serdes.string(), valueSerde: serdes.json<RowFailure>() },
})

/** Ids of imports begin with their time: so in the store the oldest come first. */
export function importIdOf(atMs: number, unique: string): string {
  return `${timeText(atMs)}-${unique}`
}

/** Rows of an import lie together, in order. */
export function failureKey(importId: string, row: number): string {
  return `${importId}/${String(row).padStart(ROW_DIGITS, '0')}`
}

/** Fills the store of this process from the topic, and does away with what is a day old. */
export const keepFailures: ProcessorSupplier<string | null, RowFailure | null> = {
  get() {
    let failures: KeyValueStore<string, RowFailure>
    let nowMs: () => number
    return {
      init(context) {
        failures = context.getStateStore(failuresStore)
        nowMs = () => context.currentSystemTimeMs()
      },
      process({ key, value }) {
        if (key === null || value === null) return
        failures.put(key, value)
        const old: string[] = []
        for (const [each] of failures.range(undefined, timeText(nowMs() - DAY_MS))) {
          if (old.push(each) === SWEPT_AT_ONCE) break
        }
        for (const each of old) failures.delete(each)
      },
    }
  },
}

function timeText(atMs: number): string {
  return atMs.toString(36).padStart(TIME_DIGITS, '0')
}
