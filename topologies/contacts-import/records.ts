/** A row's known columns, as they stand in the file; what the file does not have is ''. */
export type RowFields = readonly [email: string, name: string, phone: string, company: string]

/**
 * A piece of an upload. `rows` stays JSON (an array of `RowFields`) until it is released: nobody needs it
 * before.
 */
export interface UploadChunk {
  readonly kind: 'chunk'
  /** 0, 1, 2 … within the upload. */
  readonly index: number
  /** The number of the chunk's first row; rows count from 1, without the header. */
  readonly firstRow: number
  readonly rows: Uint8Array
}

/** The last record of an upload: it makes the import real. */
export interface UploadEnd {
  readonly kind: 'end'
  readonly chunks: number
  readonly total: number
  readonly channel: string
  readonly fileName?: string
}

export type UploadRecord = UploadChunk | UploadEnd

/** What `gather` is told when an import becomes real. Times are milliseconds since the epoch. */
export interface ImportStart {
  readonly total: number
  readonly channel: string
  readonly fileName?: string
  readonly startedAt: number
}

export interface ImportJob {
  readonly importId: string
  readonly row: number
  readonly fields: RowFields
}

export interface Contact {
  readonly email: string
  readonly name: string
  readonly phone: string
  readonly company: string
  /** The row that this is from. */
  readonly importId: string
  readonly row: number
}

export type FailureReason = 'EMAIL_MISSING' | 'EMAIL_INVALID'

/**
 * The outcome of a row; a failed one says why, and shows what stood in the file (cut to a readable length).
 */
export type RowResult =
  | { readonly row: number; readonly ok: true }
  | { readonly row: number; readonly ok: false; readonly reason: FailureReason; readonly email: string }

export interface RowFailure {
  readonly row: number
  readonly reason: FailureReason
  readonly email: string
}

/** An import as everybody sees it. */
export interface ImportSummary {
  readonly state: 'running' | 'completed'
  readonly total: number
  readonly succeeded: number
  readonly failed: number
  readonly channel: string
  readonly fileName?: string
  readonly startedAt: number
  readonly completedAt?: number
}

/** Something that happened to an import, for whoever watches its channel. */
export interface ImportEvent {
  readonly type: 'started' | 'progress' | 'completed'
  readonly importId: string
  readonly total: number
  readonly succeeded: number
  readonly failed: number
  readonly fileName?: string
  /** When: milliseconds since the epoch. */
  readonly at: number
}

/** An event with its place in its channel: 1, 2, 3 … without gaps. */
export interface PushEvent extends ImportEvent {
  readonly seq: number
}
