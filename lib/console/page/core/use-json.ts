import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import { ApiError, request } from './api.ts'
import { after } from './time.ts'

export interface Loaded<T> {
  /** The last good answer for this path, also while a newer one is asked for. */
  readonly data: T | undefined
  readonly error: ApiError | undefined
  readonly isLoading: boolean
  readonly reload: () => void
}

interface Kept<T> {
  readonly path: string | undefined
  readonly data: T | undefined
  readonly error: ApiError | undefined
  readonly isLoading: boolean
}

const RETRY_MS = 1_000
const REFUSED_MS = 10_000

/**
 * An answer of the API. While the process is away it is asked for again, and what was known stays; with
 * `everyMs` it is also asked for again after that time, as long as somebody sees the page.
 */
export function useJson<T>(
  path: string | undefined,
  { everyMs }: { readonly everyMs?: number } = {},
): Loaded<T> {
  const [kept, setKept] = useState<Kept<T>>({ path, data: undefined, error: undefined, isLoading: true })
  const [round, setRound] = useState(0)
  const current = useRef(path)
  current.current = path
  useEffect(() => {
    if (path === undefined) return
    const abort = new AbortController()
    let cancel = () => {}
    const ask = async () => {
      const error = await request<T>(path, { signal: abort.signal }).then(
        data => void setKept({ path, data, error: undefined, isLoading: false }),
        (error: unknown) => error,
      )
      if (abort.signal.aborted) return
      if (error !== undefined) setKept(before => failed(before, path, error))
      const pauseMs = pauseAfter(error, everyMs)
      if (pauseMs !== undefined) cancel = after(pauseMs, next)
    }
    const next = () => {
      if (document.visibilityState === 'visible') void ask()
      else cancel = after(everyMs ?? RETRY_MS, next)
    }
    void ask()
    return () => {
      abort.abort()
      cancel()
    }
  }, [path, round, everyMs])
  const reload = useCallback(() => setRound(before => before + 1), [])
  if (kept.path !== path) return { data: undefined, error: undefined, isLoading: path !== undefined, reload }
  return { ...kept, reload }
}

/** What was refused is asked for more seldom: it may still come, as a key of a store. */
function pauseAfter(error: unknown, everyMs: number | undefined): number | undefined {
  if (error instanceof ApiError && error.isPassing) return RETRY_MS
  return everyMs === undefined || error === undefined ? everyMs : Math.max(everyMs, REFUSED_MS)
}

function failed<T>(before: Kept<T>, path: string, cause: unknown): Kept<T> {
  const error =
    cause instanceof ApiError
      ? cause
      : new ApiError('page-error', cause instanceof Error ? cause.message : String(cause), -1)
  return { path, data: before.path === path ? before.data : undefined, error, isLoading: false }
}
