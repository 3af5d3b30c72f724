import type { Clock, KafkaStreams, Timer } from 'millrace'
import type { LiveHub } from 'millrace/push'
import type { AppCount } from './app-sites-view.ts'
import { appOfCountKey } from './keys.ts'
import type { AppSite, SiteApps } from './records.ts'
import type { Staleness } from './staleness.ts'
import { VIEWS } from './topics.ts'
import type { Traffic } from './traffic.ts'

const STATUS_MS = 500

export interface PublishParts {
  readonly streams: KafkaStreams
  readonly hub: LiveHub
  readonly staleness: { readonly now: Staleness }
  readonly traffic: Traffic
  readonly clock: Clock
}

/**
 * Tells the pages what changes in the views, each change when it can be read; and, now and then, how old the
 * views are.
 */
export function publishChanges({ streams, hub, staleness, traffic, clock }: PublishParts): Disposable {
  const sites = streams.changes<string, SiteApps>(VIEWS.sites).subscribe(({ key, value }) => {
    hub.publish(`site/${key}`, value && { siteId: key, ...value })
  })
  const apps = streams.changes<string, AppSite | AppCount>(VIEWS.apps).subscribe(({ key, value }) => {
    const appId = appOfCountKey(key)
    if (appId !== undefined)
      hub.publish(`app/${appId}`, { appId, sites: (value as AppCount | null)?.sites ?? 0 })
  })
  let timer: Timer
  const tick = () => {
    hub.publish('status', { perSecond: traffic.perSecond, staleness: staleness.now })
    timer = clock.schedule(STATUS_MS, tick)
  }
  tick()
  return {
    [Symbol.dispose]() {
      timer.cancel()
      sites.unsubscribe()
      apps.unsubscribe()
    },
  }
}
