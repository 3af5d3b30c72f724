import type { Application, Site } from '../core/api-types.ts'

/** What a room's module gets from the page. */
export interface RoomOptions {
  /** Where the room's own requests go, with a slash at its end. */
  readonly base: string
  readonly site: {
    readonly application: Application
    readonly current: () => Site | undefined
    /** Says something to the visitor for some seconds. */
    readonly tell: (text: string, options?: { readonly isBad?: boolean }) => void
    /** Goes to another view of the console, by its `#/…`. */
    readonly go: (href: string) => void
    /** The room's own part of the address: what stands behind `#/app/ID/room`. */
    readonly params: () => URLSearchParams
    readonly setParams: (changes: Readonly<Record<string, string | undefined>>) => void
  }
}

export interface MountedRoom {
  unmount(): void
}

/** `rooms/<id>/room.js`, where a service has one. */
export interface RoomModule {
  mount(element: HTMLElement, options: RoomOptions): MountedRoom | Promise<MountedRoom>
}

/** Undefined where the service has none: then its own page is shown. Throws what the module itself throws. */
export async function loadRoom(base: string, signal: AbortSignal): Promise<RoomModule | undefined> {
  const url = new URL(`${base}room.js`, document.baseURI)
  const answer = await fetch(url, { method: 'HEAD', signal })
  if (answer.status >= 500) throw new Error(`The room answered ${answer.status}.`)
  const kind = answer.headers.get('content-type') ?? ''
  if (!answer.ok || !kind.includes('javascript')) return undefined
  return (await import(url.href)) as RoomModule
}
