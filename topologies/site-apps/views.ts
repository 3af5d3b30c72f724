import {
  serdes,
  stores,
  type KeyValueStore,
  type Processor,
  type ProcessorContext,
  type Record,
  type StoreBuilder,
} from 'millrace'
import { appOfKey, countKey } from './keys.ts'
import type { AppSite, SiteApps } from './records.ts'

export interface AppCount {
  readonly sites: number
}

/**
 * Copies of both views, all of them in every process, on its disk: any process answers for all, however many
 * project.
 */
export const siteAppsView = viewStore<SiteApps>('site-apps-view')
/** With the number of sites beside the entries of each app. */
export const appSitesView = viewStore<AppSite | AppCount>('app-sites-view')

export class FillSiteApps implements Processor<string, SiteApps | null> {
  #context: ProcessorContext | undefined
  #view: KeyValueStore<string, SiteApps> | undefined

  init(context: ProcessorContext): void {
    this.#context = context
    this.#view = context.getStateStore(siteAppsView.name)
  }

  process({ key, value }: Record<string | null, SiteApps | null>): void {
    if (key === null) return drop(this.#context!)
    this.#view!.put(key, value)
  }
}

/** Counts by what the view holds, not by records: one that comes twice counts once. */
export class FillAppSites implements Processor<string, AppSite | null> {
  #context: ProcessorContext | undefined
  #view: KeyValueStore<string, AppSite | AppCount> | undefined

  init(context: ProcessorContext): void {
    this.#context = context
    this.#view = context.getStateStore(appSitesView.name)
  }

  process({ key, value }: Record<string | null, AppSite | null>): void {
    if (key === null || appOfKey(key) === '') return drop(this.#context!)
    const view = this.#view!
    const step = Number(value !== null) - Number(view.get(key) !== undefined)
    view.put(key, value)
    if (step === 0) return
    const count = countKey(appOfKey(key))
    const sites = ((view.get(count) as AppCount | undefined)?.sites ?? 0) + step
    view.put(count, sites > 0 ? { sites } : null)
  }
}

/** Not written by us: counted, as the engine counts what it drops. */
function drop({ metrics, taskId }: ProcessorContext): void {
  metrics.meter('dropped-records', { 'task-id': taskId, global: 'true' }, 'stream-task-metrics').add()
}

/** Without `ranges`, since only reads from outside iterate: a million entries take no memory. */
function viewStore<V>(name: string): StoreBuilder<KeyValueStore<string, V>> {
  return stores.keyValueStore<string, V>({
    name,
    keySerde: serdes.string(),
    valueSerde: serdes.json(),
    ranges: false,
  })
}
