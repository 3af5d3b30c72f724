/**
 * - `unread`: nobody has asked the engine yet.
 * - `absent`: there is no value.
 * - `typed`: `value` is a primitive as user code knows it.
 * - `bytes`: `value` is what the engine holds. Objects stay in this form, since user code may change them.
 */
export type EntryState = 'unread' | 'absent' | 'typed' | 'bytes'

const TWO_30 = 2 ** 30

/** A value in one of its forms. `timestamp` belongs to the value in a timestamped store, else to the record that wrote it. */
export class ValueState {
  state: EntryState = 'unread'
  value: unknown = undefined
  // In two halves, small integers both: a number as large as a time has a place of its own in memory, which is read from there each time.
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

/** Stand-ins for a state of which only this much is asked. */
export const WAS_ABSENT: ValueState = stateOf('absent')
export const WAS_THERE: ValueState = stateOf('bytes')

function stateOf(state: EntryState): ValueState {
  const made = new ValueState()
  made.state = state
  return made
}

/** Measured: a key of 12 characters with a number costs about this much heap, its places in both maps included. */
const OVERHEAD_BYTES = 240

/** What a store knows about one key: the newest value, and in which stages of a commit it takes part. */
export class Entry extends ValueState {
  // What every access touches stands first, beside the value: two entries rarely share a line of the processor's cache.
  dirty = false
  /** Reasons for which it must not be evicted: held back, dirty, sealed, staged. */
  pins = 0
  /** Found in the cache since its hand last came by. Not set by the first read: what is read once leaves first. */
  touched = false
  /** Heap bytes, estimated. */
  size: number
  /** The serialised key, a character for a byte. */
  readonly id: string
  /** The primitive under which the entry is found without serialising. */
  alias: unknown = undefined
  /** What it was before a change that is held back; undefined while there is none. */
  heldBefore: ValueState | undefined = undefined
  /** Its place among those that are held, and what it counts there. */
  heldAt = 0
  heldBytes = 0

  constructor(id: string) {
    super()
    this.size = OVERHEAD_BYTES + id.length
    this.id = id
  }

  /** Of the key as the JVM original's cache has it. */
  get keyBytes(): number {
    return this.id.length
  }

  sizeWith(valueBytes: number): number {
    return OVERHEAD_BYTES + this.id.length + valueBytes
  }
}
