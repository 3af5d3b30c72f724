/**
 * A change between the nodes of tables: a row's new value and, where somebody below asked for it, the one
 * before. `null` means no row. Between tables a record's value is always one of these.
 */
export class Change<V> {
  readonly newValue: V | null
  readonly oldValue: V | null
  /**
   * Whether this is the latest row of the key; false: a later one is known already. Only versioned tables
   * tell; KIP-914 says which operators ignore other changes.
   */
  readonly isLatest: boolean

  constructor(newValue: V | null, oldValue: V | null, isLatest = true) {
    this.newValue = newValue
    this.oldValue = oldValue
    this.isLatest = isLatest
  }
}
