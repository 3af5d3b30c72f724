/**
 * What flows between the nodes of tables: a row's new value and, where somebody below asked for it, the one
 * before. `null` means no row. Between tables a record's value is always one of these.
 */
export class Change<V> {
  readonly newValue: V | null
  readonly oldValue: V | null
  /**
   * False: a later row of the key is known already. Only versioned tables tell; what ignores such changes
   * then is told in KIP-914.
   */
  readonly isLatest: boolean

  constructor(newValue: V | null, oldValue: V | null, isLatest = true) {
    this.newValue = newValue
    this.oldValue = oldValue
    this.isLatest = isLatest
  }
}
