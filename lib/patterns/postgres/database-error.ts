/** An error that the database has answered with: the connection is as good as before. */
export interface DatabaseError extends Error {
  /** SQLSTATE, of five characters. */
  readonly code: string
}

export function isDatabaseError(error: unknown): error is DatabaseError {
  if (!(error instanceof Error)) return false
  const { code, severity } = error as { readonly code?: unknown; readonly severity?: unknown }
  return typeof severity === 'string' && typeof code === 'string' && code.length === 5
}

/** Values that do not fit, constraints, what a trigger raises, and values beyond what an index can hold. */
const FAULTS_OF_ROWS = /^(22|23|P0001|54000)/

/** Whether the same statement would fail again, for what it was to write. */
export function isFaultOfRow(error: unknown): boolean {
  return isDatabaseError(error) && FAULTS_OF_ROWS.test(error.code)
}
