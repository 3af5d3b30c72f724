import { performance } from 'node:perf_hooks'
import WebSocket from 'ws'

/** How so many sockets came to be open, which were all asked for at once. */
export interface Opened {
  /** Milliseconds until each was open, or had its first event; the shortest first. */
  readonly openMs: readonly number[]
  readonly eventMs: readonly number[]
  readonly failed: number
}

const LIMIT_MS = 60_000

/** In a process of its own: how fast clients are must not be the server's affair. */
export async function openSockets(url: string, count: number): Promise<Opened> {
  const startMs = performance.now()
  const since = () => performance.now() - startMs
  const outcomes = await Promise.all(Array.from({ length: count }, () => openOne(url, since)))
  const ascending = (values: readonly (number | undefined)[]) =>
    values.flatMap(value => value ?? []).sort((left, right) => left - right)
  return {
    openMs: ascending(outcomes.map(each => each.openMs)),
    eventMs: ascending(outcomes.map(each => each.eventMs)),
    failed: outcomes.filter(({ eventMs }) => eventMs === undefined).length,
  }
}

interface Outcome {
  openMs?: number
  eventMs?: number
}

function openOne(url: string, since: () => number): Promise<Outcome> {
  const socket = new WebSocket(url, { perMessageDeflate: false })
  const outcome: Outcome = {}
  return new Promise(resolve => {
    const end = () => {
      clearTimeout(limit)
      resolve(outcome)
      socket.terminate()
    }
    const limit = setTimeout(end, LIMIT_MS)
    socket.on('open', () => (outcome.openMs = since()))
    socket.on('message', () => {
      outcome.eventMs = since()
      end()
    })
    socket.on('error', end)
  })
}
