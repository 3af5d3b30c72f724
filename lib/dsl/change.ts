/**
 * What flows between the nodes of tables: a row's new value and, where somebody below asked for it, the one before. `null` means no
 * row. Between tables a record's value is always one of these.
 */
export class Change<V> {
  readonly newValue: V | null
  readonly oldValue: V | null

  constructor(newValue: V | null, oldValue: V | null) {
    this.newValue = newValue
    this.oldValue = oldValue
  }
}
