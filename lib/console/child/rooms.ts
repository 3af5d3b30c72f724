import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { getRequestListener } from '@hono/node-server'
import type { Clock } from '../../common/clock.ts'
import { HttpError } from '../../http/http-error.ts'
import type { ServedSite, Serving } from '../../streams/topology-file.ts'
import { answerError, refuseUpgrade } from '../site/answers.ts'

/** How long requests under way may take to end when a service closes its site. */
const DRAIN_MS = 5_000

interface Room {
  readonly listener: (request: IncomingMessage, response: ServerResponse) => unknown
  readonly site: ServedSite
  readonly underWay: Set<ServerResponse>
  onEmpty: (() => void) | undefined
}

/** The sites of the services, each below `/rooms/<applicationId>/`. */
export class Rooms {
  readonly #clock: Clock
  readonly #siteUrl: string
  readonly #rooms = new Map<string, Room>()

  /** `siteUrl`: where the console is, without a slash at the end. */
  constructor(siteUrl: string, clock: Clock) {
    this.#siteUrl = siteUrl
    this.#clock = clock
  }

  open(applicationId: string, site: ServedSite): Serving {
    const fetch = site.fetch as Parameters<typeof getRequestListener>[0]
    const listener = getRequestListener(fetch, { overrideGlobalObjects: false })
    const room: Room = { listener, site, underWay: new Set(), onEmpty: undefined }
    this.#rooms.set(applicationId, room)
    return {
      url: `${this.#siteUrl}/rooms/${encodeURIComponent(applicationId)}`,
      close: () => this.#close(applicationId, room),
    }
  }

  /** False where the path is not below `/rooms/`. */
  answer(request: IncomingMessage, response: ServerResponse): boolean {
    const place = placeOf(request)
    if (!place) return false
    const room = this.#rooms.get(place.applicationId)
    if (!room) answerError(response, notOpen(place.applicationId))
    // Relative links of the room's page are meant from inside of it.
    else if (place.path === '') response.writeHead(308, { location: `${place.applicationId}/` }).end()
    else {
      enter(request, place)
      room.underWay.add(response)
      response.on('close', () => {
        room.underWay.delete(response)
        if (room.underWay.size === 0) room.onEmpty?.()
      })
      void room.listener(request, response)
    }
    return true
  }

  upgrade(request: IncomingMessage, stream: Duplex, head: Buffer): void {
    const place = placeOf(request)
    const room = place && this.#rooms.get(place.applicationId)
    if (!place || !room?.site.upgrade) return refuseUpgrade(stream, notOpen(place?.applicationId ?? ''))
    enter(request, place)
    room.site.upgrade(request, stream, head)
  }

  async #close(applicationId: string, room: Room): Promise<void> {
    if (this.#rooms.get(applicationId) === room) this.#rooms.delete(applicationId)
    if (room.underWay.size > 0) {
      const empty = new Promise<void>(resolve => (room.onEmpty = resolve))
      const late = new AbortController()
      await Promise.race([empty, this.#clock.sleep(DRAIN_MS, late.signal)])
      late.abort()
    }
    for (const response of room.underWay) response.destroy()
    room.site.terminate?.()
  }
}

interface Place {
  readonly applicationId: string
  /** Within the room, with the query; '' where the path ends at the room's name. */
  readonly path: string
}

function placeOf({ url = '/' }: IncomingMessage): Place | undefined {
  const [, encoded, path = ''] = /^\/rooms\/([^/?]+)(.*)$/.exec(url) ?? []
  if (encoded === undefined) return undefined
  try {
    return { applicationId: decodeURIComponent(encoded), path }
  } catch {
    return undefined
  }
}

/** The room sees its own paths; what lies before them is in `x-forwarded-prefix`. */
function enter(request: IncomingMessage, { applicationId, path }: Place): void {
  const { headers } = request
  const before = headers['x-forwarded-prefix']
  headers['x-forwarded-prefix'] =
    `${typeof before === 'string' ? before : ''}/rooms/${encodeURIComponent(applicationId)}`
  request.url = path.startsWith('/') ? path : `/${path}`
}

function notOpen(applicationId: string): HttpError {
  const message = `the service of "${applicationId.slice(0, 100)}" is not there, or not yet`
  return new HttpError(503, 'ROOM_NOT_OPEN', message, { headers: { 'retry-after': '1' } })
}
