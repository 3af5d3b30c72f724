import { after } from './time.ts'

export type StreamState = 'connecting' | 'open' | 'lost'

export interface StreamOptions {
  readonly path: string
  /** What is called with the parsed data of each event of that name. */
  readonly on: Readonly<Record<string, (data: unknown) => void>>
  readonly onState?: (state: StreamState) => void
  /** Names of events after which the server has nothing more to say. */
  readonly last?: readonly string[]
}

const PAUSE_MS = 400
const PAUSE_MAX_MS = 5_000

/**
 * Server-sent events that come back by themselves, also after an answer that is none (503 while the process
 * is restarted), which the browser's own does not. A page that nobody sees closes its streams: a browser
 * opens six connections to one host, whatever the number of its tabs, and what nobody sees costs the
 * application nothing.
 */
export function openEvents({ path, on, onState, last = [] }: StreamOptions): () => void {
  let source: EventSource | undefined
  let pauseMs = PAUSE_MS
  let cancelRetry = () => {}
  const close = () => {
    cancelRetry()
    source?.close()
    source = undefined
  }
  const open = () => {
    close()
    if (document.visibilityState === 'hidden') return
    onState?.('connecting')
    const current = new EventSource(path)
    source = current
    current.onopen = () => {
      pauseMs = PAUSE_MS
      onState?.('open')
    }
    current.onerror = () => {
      if (source !== current) return
      close()
      onState?.('lost')
      cancelRetry = after(pauseMs, open)
      pauseMs = Math.min(2 * pauseMs, PAUSE_MAX_MS)
    }
    for (const [name, listener] of Object.entries(on))
      current.addEventListener(name, event => {
        if (name === 'error' && !(event instanceof MessageEvent)) return
        const data = parsed((event as MessageEvent<string>).data)
        if (data !== undefined) listener(data)
        if (last.includes(name)) close()
      })
  }
  document.addEventListener('visibilitychange', open)
  open()
  return () => {
    document.removeEventListener('visibilitychange', open)
    close()
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
