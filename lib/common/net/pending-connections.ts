import type { Clock } from '../clock.ts'

/** Connections that may wait for a server to take them; the system may allow fewer. */
export const BACKLOG = 4_096
/** Turns of the event loop in a row, at most, that are left to connections. */
const TURNS_MAX = 200
/** Time that they take, at most: three times as long as the work between them. */
const TIME_MAX_MS = 15

/** What emits `connection`: a server of `node:http` or `node:net`. */
export interface ListeningServer {
  on(event: 'connection', listener: () => void): unknown
}

let taken = 0

/**
 * Counts the connections that a server takes, so that tasks of this process leave new ones more room. Node
 * takes one connection a turn of the event loop, and between two turns a busy task works for milliseconds:
 * without this, the thousandth of a thousand that come at once would wait for many seconds.
 */
export function countConnections(server: ListeningServer): void {
  server.on('connection', () => (taken += 1))
}

/**
 * The next turn of the event loop, and more of them as long as each has taken a connection: then probably
 * another one waits. Where none comes this is one turn, and nothing else.
 */
export async function letConnectionsIn(clock: Clock): Promise<void> {
  let before = taken
  await clock.nextTurn()
  if (taken === before) return
  const startMs = clock.monotonicMs()
  for (let turns = 1; turns < TURNS_MAX && taken !== before; turns += 1) {
    if (clock.monotonicMs() - startMs > TIME_MAX_MS) return
    before = taken
    await clock.nextTurn()
  }
}
