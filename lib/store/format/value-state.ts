/**
 * - `unread`: nobody has asked the engine yet.
 * - `absent`: there is no value.
 * - `typed`: `value` is a primitive as user code knows it.
 * - `bytes`: `value` is what the engine holds. Objects stay in this form, since user code may change them.
 */
export type EntryState = 'unread' | 'absent' | 'typed' | 'bytes'

const TWO_30 = 2 ** 30

/**
 * A value in one of its forms. `timestamp` belongs to the value in a timestamped store, else to the record
 * that wrote it.
 */
export class ValueState {
  state: EntryState = 'unread'
  value: unknown = undefined
  // The timestamp in two halves, both small integers: a number as large as a time has a place of its own in
  // memory, which is read from there each time.
  #timestampHigh = 0
  #timestampLow = 0

  get timestamp(): number {
    return this.#timestampHigh * TWO_30 + this.#timestampLow
  }

  set timestamp(timestamp: number) {
    const high = Math.floor(timestamp / TWO_30)
    this.#timestampHigh = high
    this.#timestampLow = timestamp - high * TWO_30
  }

  copyState(): ValueState {
    const copy = new ValueState()
    copy.state = this.state
    copy.value = this.value
    copy.timestamp = this.timestamp
    return copy
  }

  setAbsent(): void {
    this.state = 'absent'
    this.value = undefined
  }

  setBytes(bytes: Uint8Array, timestamp: number): void {
    this.state = 'bytes'
    this.value = bytes
    this.timestamp = timestamp
  }
}

/** States for callers that only ask whether there is a value. */
export const WAS_ABSENT: ValueState = stateOf('absent')
export const WAS_THERE: ValueState = stateOf('bytes')

function stateOf(state: EntryState): ValueState {
  const made = new ValueState()
  made.state = state
  return made
}
