import { serdes, stores, type KeyValueStore, type ProcessorSupplier } from 'millrace'
import { guarded } from '../processors/guarded.ts'
import { appOfKey, countKey } from './keys.ts'
import type { AppSite } from './records.ts'
import { VIEWS } from './topics.ts'

export interface AppCount {
  readonly sites: number
}

/** The entries of each app, and beside them how many they are. */
export const appSitesView = stores.keyValueStore<string, AppSite | AppCount>({
  name: VIEWS.apps,
  keySerde: serdes.string(),
  valueSerde: serdes.json(),
  // Only reads from outside iterate: a million entries take no memory.
  ranges: false,
})

/**
 * Counts by what the view holds, not by records: one that comes twice counts once. A processor, not `count`:
 * that would come by a topic more, and an app's total and age would not be those of its entries.
 */
export function fillAppSites(): ProcessorSupplier<string | null, AppSite | null> {
  return guarded<string, AppSite | null>({
    accepts: ({ key }) => key !== null && appOfKey(key) !== '',
    make: context => {
      const view = context.getStateStore(appSitesView)
      return {
        process({ key, value }) {
          const step = Number(value !== null) - Number(view.get(key) !== undefined)
          view.put(key, value)
          if (step !== 0) changeCount(view, appOfKey(key), step)
        },
      }
    },
  })
}

function changeCount(view: KeyValueStore<string, AppSite | AppCount>, appId: string, step: number): void {
  const before = view.get(countKey(appId)) as AppCount | undefined
  const sites = (before?.sites ?? 0) + step
  view.put(countKey(appId), sites > 0 ? { sites } : null)
}
