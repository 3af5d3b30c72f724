import { equalBytes } from '../../common/bytes.ts'
import type { RecordContext } from '../../common/record-context.ts'

/** The two values of a change, serialised; null: no row. */
export interface ChangeBytes {
  readonly oldValue: Uint8Array | null
  readonly newValue: Uint8Array | null
}

/** What a buffered change says, without its key: the value of its changelog record. */
export interface ChangeState extends ChangeBytes {
  /**
   * What its place in the buffer goes by: the time of the row's first change in it, or the end of the row's
   * window.
   */
  readonly timeMs: number
  /** The row before the first change that is in the buffer: what the world below still sees. */
  readonly priorValue: Uint8Array | null
  /** Context of the last change. Owns the memory of its header values. */
  readonly context: RecordContext
}

/** The changes of one row that wait, as one. */
export class BufferedChange {
  /** The serialised key, a character for a byte. */
  readonly id: string
  readonly timeMs: number
  state: ChangeState
  /** As Kafka Streams counts: what `bytesMax` limits. */
  sizeBytes: number
  /** Whether the engine and the changelog have, or are about to have, something under this key. */
  written: boolean

  constructor(id: string, state: ChangeState, written: boolean) {
    this.id = id
    this.timeMs = state.timeMs
    this.state = state
    this.sizeBytes = sizeOf(id, state)
    this.written = written
  }

  /** A later change of the row takes the place of this one, whose time and prior value stay. */
  replace(change: ChangeBytes, context: RecordContext): void {
    const { timeMs, priorValue } = this.state
    this.state = { ...change, timeMs, priorValue, context }
    this.sizeBytes = sizeOf(this.id, this.state)
  }
}

/** By time, then by the bytes of the key. */
export function compareChanges(left: BufferedChange, right: BufferedChange): number {
  if (left.timeMs !== right.timeMs) return left.timeMs < right.timeMs ? -1 : 1
  return left.id < right.id ? -1 : left.id > right.id ? 1 : 0
}

/**
 * Time, offset and partition of the record, and the time in the buffer: 8 + 8 + 4 + 8 bytes. An old value
 * that equals the prior one counts once.
 */
const FIXED_BYTES = 28

function sizeOf(id: string, { oldValue, newValue, priorValue, context }: ChangeState): number {
  let size = FIXED_BYTES + id.length + (context.topic?.length ?? 0)
  for (const { key, value } of context.headers) size += key.length + (value?.length ?? 0)
  size += (newValue?.length ?? 0) + (priorValue?.length ?? 0)
  return equalBytes(oldValue, priorValue) ? size : size + (oldValue?.length ?? 0)
}
