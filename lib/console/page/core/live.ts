import { signal, type Signal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { appPath } from './api.ts'
import type { Live } from './api-types.ts'
import { openEvents, type StreamState } from './event-stream.ts'

/** The live numbers of an application, with those of the last two minutes. */
export interface LiveFeed {
  readonly latest: Signal<Live | undefined>
  readonly past: Signal<readonly Live[]>
  readonly link: Signal<StreamState>
}

interface Followed extends LiveFeed {
  users: number
  close: () => void
}

const KEPT = 120
const feeds = new Map<string, Followed>()

/** One stream for each application, however many parts of the page show it. */
export function useLive(applicationId: string): LiveFeed {
  const feed = feedOf(applicationId)
  useEffect(() => {
    if (feed.users++ === 0) feed.close = follow(applicationId, feed)
    return () => {
      if (--feed.users === 0) feed.close()
    }
  }, [applicationId])
  return feed
}

function feedOf(applicationId: string): Followed {
  const known = feeds.get(applicationId)
  if (known) return known
  const feed: Followed = {
    latest: signal<Live | undefined>(undefined),
    past: signal<readonly Live[]>([]),
    link: signal<StreamState>('connecting'),
    users: 0,
    close: () => {},
  }
  feeds.set(applicationId, feed)
  return feed
}

function follow(applicationId: string, feed: Followed): () => void {
  return openEvents({
    path: appPath(applicationId, ['live']),
    on: {
      live: data => {
        const live = data as Live
        feed.latest.value = live
        feed.past.value = [...feed.past.peek().slice(1 - KEPT), live]
      },
    },
    onState: state => (feed.link.value = state),
  })
}
