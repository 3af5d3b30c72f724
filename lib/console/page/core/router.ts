import { signal } from '@preact/signals'

/** Where the page is: the parts of the hash's path, and its parameters. */
export interface Route {
  readonly path: readonly string[]
  readonly params: URLSearchParams
}

type Params = Readonly<Record<string, string | number | boolean | undefined | null>>

export const route = signal<Route>(parseHash(location.hash))

addEventListener('hashchange', () => {
  route.value = parseHash(location.hash)
})

/** A link within the page; parameters without a value are left out. */
export function link(path: readonly (string | number)[], params: Params = {}): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(params))
    if (value !== undefined && value !== null && value !== '' && value !== false)
      query.set(name, String(value))
  const text = query.toString()
  return `#/${path.map(part => encodeURIComponent(part)).join('/')}${text === '' ? '' : `?${text}`}`
}

/** Goes to a link; with `replace` the browser's way back leads past the place that is left. */
export function go(href: string, { replace = false }: { readonly replace?: boolean } = {}): void {
  if (href === location.hash) return
  if (!replace) {
    location.hash = href
    return
  }
  history.replaceState(null, '', href)
  route.value = parseHash(href)
}

/** Changes some parameters of where the page is, without an entry in the history. */
export function setParams(changes: Params): void {
  const { path, params } = route.peek()
  go(link(path, { ...Object.fromEntries(params), ...changes }), { replace: true })
}

export function parseHash(hash: string): Route {
  const [path = '', query = ''] = splitOnce(hash.replace(/^#\/?/, ''), '?')
  return { path: path.split('/').filter(Boolean).map(decoded), params: new URLSearchParams(query) }
}

function splitOnce(text: string, mark: string): [string, string] {
  const at = text.indexOf(mark)
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)]
}

/** A part that was typed by hand may hold a lone `%`. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}
