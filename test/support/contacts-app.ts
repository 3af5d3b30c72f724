import WebSocket from 'ws'
import type { BatchEvent, Broker, GatheredBatch } from 'millrace'
import type { PushMessage } from 'millrace/push'
import contactsImport, { config, service, topics } from '../../topologies/contacts-import.ts'
import { openTopologyApp } from './topology-app.ts'

export interface ContactsAppOptions {
  /** Default: one in memory, closed with the application. */
  readonly broker?: Broker
  /** Default: a temporary one. */
  readonly stateDir?: string
}

/** The answer to an upload. */
export interface Accepted {
  readonly importId: string
  readonly total: number
  readonly token: string
}

/** The contacts import as `millrace run` runs it, in this process, on a free port. */
export async function openContactsApp(options: ContactsAppOptions = {}) {
  const file = { default: contactsImport(), config, service, topics }
  const app = await openTopologyApp(file, { applicationId: 'contacts-import', ...options })
  return {
    ...app,
    upload(body: string | Uint8Array | ReadableStream, headers: { [name: string]: string } = {}) {
      return fetch(`${app.url}/imports`, {
        method: 'POST',
        headers: { 'content-type': 'text/csv', ...headers },
        body,
        duplex: 'half',
      } as RequestInit)
    },
    /** Undefined: its first record has not been read, or another process has it. */
    async importOf(importId: string): Promise<GatheredBatch | undefined> {
      return (await app.get<{ value?: GatheredBatch }>(`/stores/imports/${importId}`)).value
    },
    listen: (accepted: Accepted, lastSeq = 0) => openListener(app.url, accepted, lastSeq),
  }
}

export type ContactsApp = Awaited<ReturnType<typeof openContactsApp>>

export interface HeardEvent extends BatchEvent {
  readonly seq: number
}

/** A browser's side of a channel: every event that it got, in order. */
export function openListener(url: string, { importId, token }: Accepted, lastSeq = 0) {
  const query = new URLSearchParams({ channel: importId, token, lastSeq: String(lastSeq) })
  const socket = new WebSocket(`${url.replace('http', 'ws')}/push/events?${query}`)
  const events: HeardEvent[] = []
  socket.on('message', data => {
    const message = JSON.parse(String(data)) as PushMessage
    if (message.type === 'event') events.push({ seq: message.seq, ...(message.data as BatchEvent) })
  })
  socket.on('error', () => undefined)
  return { socket, events, [Symbol.dispose]: () => socket.terminate() }
}
