import { Buffer } from 'node:buffer'
import { LOOP_TEXT_MAX } from '../common/bytes.ts'
import { ScratchBytes } from '../common/scratch-bytes.ts'
import type { Serde, SerdeContext } from './serde.ts'

/** Longest piece in the shared memory; longer ones get memory of their own. */
const LENGTH_MAX = 4096
/** Number of pieces: a caller has a key and a value at a time; twice that, to be safe. */
const SLOTS = 4
/** Longest text for the shared memory: a character takes up to three bytes of UTF-8. */
const TEXT_LENGTH_MAX = Math.floor(LENGTH_MAX / 3)

const slots: readonly ScratchBytes[] = Array.from({ length: SLOTS }, () => new ScratchBytes())
let turn = 0

/** Memory for bytes that are used at once (`serializeTransient`): valid until four others were asked for. */
export function transientBytes(length: number): Buffer {
  return length > LENGTH_MAX ? Buffer.allocUnsafe(length) : nextSlot().ofLength(length)
}

/** Text in UTF-8, in the shared memory where it fits. */
export function transientText(text: string): Buffer {
  const { length } = text
  if (length > TEXT_LENGTH_MAX) return Buffer.from(text, 'utf8')
  const slot = nextSlot()
  if (length <= LOOP_TEXT_MAX) {
    const bytes = slot.ofLength(length)
    let at = 0
    for (; at < length; at += 1) {
      const code = text.charCodeAt(at)
      if (code > 127) break
      bytes[at] = code
    }
    if (at === length) return bytes
  }
  return slot.ofLength(slot.ofLength(3 * length).write(text, 'utf8'))
}

function nextSlot(): ScratchBytes {
  turn = (turn + 1) % SLOTS
  return slots[turn]!
}

/** Bytes that are used at once; by `serialize`, where a serde lacks `serializeTransient`. */
export function serializeTransient<T>(serde: Serde<T>, value: T, context: SerdeContext): Uint8Array {
  return serde.serializeTransient ? serde.serializeTransient(value, context) : serde.serialize(value, context)
}
