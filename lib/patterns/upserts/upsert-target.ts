/** Values by column. */
export interface UpsertValues {
  readonly [column: string]: unknown
}

/** The state of a row as of a position in its source. */
export interface UpsertRow {
  readonly key: UpsertValues
  /** null: the row is deleted. */
  readonly values: UpsertValues | null
  /** Grows with each change of the row: what has a lower one is older. */
  readonly position: bigint
}

/**
 * An outside database that keeps, with each row, the position that it is of. It may be written the same rows
 * again, and older ones, by several processes at once: a row never goes back.
 */
export interface UpsertTarget {
  /** For messages. */
  readonly name: string
  /**
   * Writes what is newer than what is there, all or nothing; the keys differ. Resolves with the number of
   * rows written. Rejects with an `UpsertRowError` where some row cannot be written, now or later; with
   * anything else where trying again may help. When the signal aborts it gives up.
   */
  write(rows: readonly UpsertRow[], signal: AbortSignal): Promise<number>
}
