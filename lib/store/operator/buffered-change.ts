import { equalBytes } from '../../common/bytes.ts'
import type { RecordContext } from '../../common/record-context.ts'

/** The two values of a change, serialised; null: no row. */
export interface ChangeBytes {
  readonly oldValue: Uint8Array | null
  readonly newValue: Uint8Array | null
}

/** A buffered change without its key: the value of its changelog record. */
export interface ChangeState extends ChangeBytes {
  /**
   * Time by which the change leaves: of the row's first change in the buffer, or the end of the row's window.
   */
  readonly timeMs: number
  /** The row before its first change in the buffer, as operators downstream still see it. */
  readonly priorValue: Uint8Array | null
  /** Context of the last change. It owns the memory of its header values. */
  readonly context: RecordContext
}

/** The waiting changes of one row, as one. */
export class BufferedChange {
  /** The serialised key, a character for a byte. */
  readonly id: string
  readonly timeMs: number
  state: ChangeState
  /** Bytes as Kafka Streams counts them, which `bytesMax` limits. */
  sizeBytes: number
  /** Whether the engine and the changelog have a record under this key, or are about to. */
  written: boolean

  constructor(id: string, state: ChangeState, written: boolean) {
    this.id = id
    this.timeMs = state.timeMs
    this.state = state
    this.sizeBytes = sizeOf(id, state)
    this.written = written
  }

  /** Puts a later change of the row in the place of this one, whose time and prior value stay. */
  replace(change: ChangeBytes, context: RecordContext): void {
    const { timeMs, priorValue } = this.state
    this.state = { ...change, timeMs, priorValue, context }
    this.sizeBytes = sizeOf(this.id, this.state)
  }
}

/** Compares changes by time, then by the bytes of the key. */
export function compareChanges(left: BufferedChange, right: BufferedChange): number {
  if (left.timeMs !== right.timeMs) return left.timeMs < right.timeMs ? -1 : 1
  return left.id < right.id ? -1 : left.id > right.id ? 1 : 0
}

/**
 * Bytes of the record's time, offset and partition, and of the time in the buffer: 8 + 8 + 4 + 8. An old
 * value that equals the prior one counts once.
 */
const FIXED_BYTES = 28

function sizeOf(id: string, { oldValue, newValue, priorValue, context }: ChangeState): number {
  let size = FIXED_BYTES + id.length + (context.topic?.length ?? 0)
  for (const { key, value } of context.headers) size += key.length + (value?.length ?? 0)
  size += (newValue?.length ?? 0) + (priorValue?.length ?? 0)
  return equalBytes(oldValue, priorValue) ? size : size + (oldValue?.length ?? 0)
}
