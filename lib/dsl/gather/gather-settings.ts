import { serdes } from '../../serde/serdes.ts'
import type { Serde } from '../../serde/serde.ts'
import { stores } from '../../store/builders/stores.ts'
import { batchStateSerde, type BatchState } from '../../store/operator/batch-state.ts'
import type { GatherOptions } from '../options/gather-options.ts'

/** Changelogs in small segments, since all that is in them is deleted some day. */
const SMALL_SEGMENTS = { config: { 'segment.bytes': '16777216' } }

/** The options of a gathering, checked, and its stores. */
export interface GatherSettings<B, V> {
  readonly callbacks: Pick<GatherOptions<B, V>, 'index' | 'outcome' | 'total'>
  readonly deadlineMs: number
  readonly forgetAfterMs: number
  readonly progressIntervalMs: number | undefined
  readonly keySerde: Serde<B> | undefined
  readonly stores: ReturnType<typeof gatherStores<B>>
}

/** Throws `TypeError` for times that are none, and callbacks that are missing. */
export function gatherSettings<B, V>(
  options: GatherOptions<B, V>,
  storeName: string,
  keySerde: Serde<B> | undefined,
): GatherSettings<B, V> {
  const { deadlineMs, forgetAfterMs, progressIntervalMs, storeType = 'persistent' } = options
  checkMs('deadlineMs', deadlineMs, 1)
  checkMs('forgetAfterMs', forgetAfterMs, 0)
  if (progressIntervalMs !== undefined) checkMs('progressIntervalMs', progressIntervalMs, 1)
  for (const name of ['index', 'total'] as const) {
    if (typeof options[name] !== 'function')
      throw new TypeError(`gather needs ${name}: a function that returns a number or undefined`)
  }
  if (storeType !== 'persistent' && storeType !== 'in-memory')
    throw new TypeError(`storeType is ${String(storeType)}: it must be "persistent" or "in-memory"`)
  return {
    ...{ callbacks: options, deadlineMs, forgetAfterMs, progressIntervalMs, keySerde },
    stores: gatherStores(storeName, keySerde, storeType === 'persistent'),
  }
}

function gatherStores<B>(name: string, keySerde: Serde<B> | undefined, persistent: boolean) {
  const common = { persistent, logging: SMALL_SEGMENTS }
  const bytes = { keySerde: serdes.bytes(), valueSerde: serdes.bytes() }
  return {
    batches: stores.keyValueStore<B, BatchState>({
      ...{ ...common, name, keySerde, valueSerde: batchStateSerde, ranges: false },
    }),
    results: stores.keyValueStore({ ...common, ...bytes, name: `${name}-results`, ranges: false }),
    timers: stores.timers({ ...common, name: `${name}-timers`, keySerde: bytes.keySerde }),
  }
}

function checkMs(name: string, ms: number, least: number): void {
  if (Number.isSafeInteger(ms) && ms >= least) return
  throw new TypeError(
    `${name} is ${String(ms)}: it must be a whole number of milliseconds, at least ${least}`,
  )
}
