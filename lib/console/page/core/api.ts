/** An answer that is none: the API's code and message, or that nobody answered. */
export class ApiError extends Error {
  readonly code: string
  /** 0: there was no answer. */
  readonly status: number

  constructor(code: string, message: string, status: number) {
    super(message)
    this.name = 'ApiError'
    this.code = code
    this.status = status
  }

  /** Whether asking again may help: the process is on its way back, or the network is. */
  get isPassing(): boolean {
    return this.status === 0 || this.status === 502 || this.status === 503 || this.status === 504
  }
}

export interface RequestOptions {
  readonly method?: string
  readonly body?: unknown
  readonly signal?: AbortSignal
}

/** Paths are relative to the page, so that a proxy may put the site below a path of its own. */
export async function request<T>(path: string, { method, body, signal }: RequestOptions = {}): Promise<T> {
  const init: RequestInit = { method: method ?? 'GET', credentials: 'same-origin' }
  if (body !== undefined) {
    init.body = JSON.stringify(body)
    init.headers = { 'content-type': 'application/json' }
  }
  if (signal) init.signal = signal
  const response = await fetch(path, init).catch((cause: unknown) => {
    if (signal?.aborted) throw cause
    throw new ApiError('no-answer', 'The site does not answer.', 0)
  })
  const text = await response.text().catch(() => '')
  const answer = parsed(text)
  if (response.ok) return answer as T
  const error = (answer as { error?: { code?: string; message?: string } } | undefined)?.error
  const code = error?.code ?? `HTTP_${response.status}`
  throw new ApiError(code, error?.message ?? `The site answered ${response.status}.`, response.status)
}

export const post = <T>(path: string, body: unknown = {}): Promise<T> =>
  request<T>(path, { method: 'POST', body })

/** A path of the API, its parts encoded; parameters without a value are left out. */
export function apiPath(
  parts: readonly (string | number)[],
  params: Readonly<Record<string, string | number | boolean | undefined | null>> = {},
): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(params))
    if (value !== undefined && value !== null && value !== '') query.set(name, String(value))
  const text = query.toString()
  return `api/${parts.map(part => encodeURIComponent(part)).join('/')}${text === '' ? '' : `?${text}`}`
}

export const appPath = (
  applicationId: string,
  parts: readonly (string | number)[],
  params?: Parameters<typeof apiPath>[1],
): string => apiPath(['apps', applicationId, ...parts], params)

function parsed(text: string): unknown {
  try {
    return text === '' ? undefined : JSON.parse(text)
  } catch {
    return undefined
  }
}
