import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { countConnections } from '../common/net/pending-connections.ts'
import { refuseUpgrade } from './doorway.ts'
import { PushError } from './push-error.ts'

/** What takes WebSockets: a push hub, or a live hub. Returns false where the path is not its own. */
export interface UpgradeTaker {
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): boolean
}

/**
 * Takes WebSockets on a server, each by the hub whose path it asks for; 404 where there is none. New
 * connections of the server get their turns beside a busy application, too. Listen with a backlog (`BACKLOG`)
 * where many come at once.
 */
export function acceptUpgrades(server: Server, hubs: readonly UpgradeTaker[]): void {
  countConnections(server)
  server.on('upgrade', upgradesTo(hubs))
}

/** The same as a function: for `context.serve({ fetch, upgrade })` of a service. */
export function upgradesTo(
  hubs: readonly UpgradeTaker[],
): (request: IncomingMessage, socket: Duplex, head: Buffer) => void {
  return (request, socket, head) => {
    if (hubs.some(hub => hub.upgrade(request, socket, head))) return
    socket.on('error', () => undefined)
    refuseUpgrade(socket, new PushError(404, 'NOT_FOUND', 'there is no WebSocket at this path'))
  }
}
