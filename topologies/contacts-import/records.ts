/** A row's known columns, as they stand in the file; what the file does not have is ''. */
export type RowFields = readonly [email: string, name: string, phone: string, company: string]

/** Some rows of an upload. */
export interface UploadChunk {
  /** 0, 1, 2 … within the upload. */
  readonly chunk: number
  /** The number of its first row; rows count from 1, without the header. */
  readonly firstRow: number
  /** `RowFields[]` as JSON: nobody needs to read them before they are released. */
  readonly rows: string
}

/** The last record of an upload makes it an import. */
export interface UploadEnd {
  readonly chunks: number
  readonly total: number
}

export type UploadRecord = UploadChunk | UploadEnd

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

/** What is known of an import: how many rows it has, or what became of one. */
export type ImportResult = { readonly total: number } | { readonly row: number; readonly ok: boolean }

/** A row that was not imported, as it stands in the file. */
export interface RowFailure {
  readonly row: number
  readonly reason: 'EMAIL_MISSING' | 'EMAIL_INVALID'
  readonly fields: RowFields
}
