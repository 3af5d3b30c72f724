import type { ComponentChildren } from 'preact'
import type { ApiError } from '../core/api.ts'
import { tone } from '../core/labels.ts'
import type { Loaded } from '../core/use-json.ts'
import { Icon } from './icon.tsx'

/** A state as a dot and a word, so that it is told by more than its colour. */
export function State({ state }: { readonly state: string }) {
  return (
    <span class={`state ${tone(state)}`}>
      <i />
      {state}
    </span>
  )
}

export function Empty({
  title,
  children,
}: {
  readonly title: string
  readonly children?: ComponentChildren
}) {
  return (
    <div class="empty">
      <strong>{title}</strong>
      {children && <p>{children}</p>}
    </div>
  )
}

export function Loading({ rows = 4 }: { readonly rows?: number }) {
  return (
    <div class="loading" role="status" aria-label="Loading">
      {Array.from({ length: rows }, (_, at) => (
        <i key={at} />
      ))}
    </div>
  )
}

export function Failure({ error, retry }: { readonly error: ApiError; readonly retry?: () => void }) {
  return (
    <div class={`notice ${error.isPassing ? 'busy' : 'bad'}`} role={error.isPassing ? 'status' : 'alert'}>
      <Icon name="warning" />
      <div>
        <strong>{error.isPassing ? 'The process is not there at the moment.' : error.message}</strong>
        <p>
          {error.isPassing ? `${error.message} The page asks again by itself.` : <code>{error.code}</code>}
        </p>
      </div>
      {retry && !error.isPassing && (
        <button type="button" onClick={retry}>
          Try again
        </button>
      )}
    </div>
  )
}

/** What an answer shows: its lines while it is not there, what went wrong, and what is known all the same. */
export function Answer<T>({
  of,
  children,
  rows,
}: {
  readonly of: Loaded<T>
  readonly children: (data: T) => ComponentChildren
  readonly rows?: number
}) {
  return (
    <>
      {of.error && <Failure error={of.error} retry={of.reload} />}
      {of.data !== undefined ? children(of.data) : of.isLoading && <Loading {...(rows ? { rows } : {})} />}
    </>
  )
}
