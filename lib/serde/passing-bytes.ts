import { Buffer } from 'node:buffer'
import { LOOP_TEXT_MAX } from '../common/bytes.ts'
import type { Serde, SerdeContext } from './serde.ts'

const SLOT_BYTES = 4096
/** A caller has a key and a value at a time; twice that, to be safe. */
const SLOTS = 4
/** A character takes up to three bytes of UTF-8. */
const TEXT_LENGTH_MAX = Math.floor(SLOT_BYTES / 3)

/** Memory for one piece, and its views by their length: making a view takes longer than filling it. */
interface Slot {
  readonly bytes: Buffer
  readonly views: Buffer[]
}

const slots: readonly Slot[] = Array.from({ length: SLOTS }, () => ({
  bytes: Buffer.allocUnsafeSlow(SLOT_BYTES),
  views: [],
}))
let turn = 0

/** For bytes that are used at once (`serializeInPassing`): valid until three others were asked for. */
export function passingBytes(length: number): Buffer {
  return length > SLOT_BYTES ? Buffer.allocUnsafe(length) : viewOf(nextSlot(), length)
}

/** Text in UTF-8, in the same memory where it fits. */
export function passingText(text: string): Buffer {
  const { length } = text
  if (length > TEXT_LENGTH_MAX) return Buffer.from(text, 'utf8')
  const slot = nextSlot()
  const { bytes } = slot
  if (length <= LOOP_TEXT_MAX) {
    let at = 0
    for (; at < length; at += 1) {
      const code = text.charCodeAt(at)
      if (code > 127) break
      bytes[at] = code
    }
    if (at === length) return viewOf(slot, length)
  }
  return viewOf(slot, bytes.write(text, 'utf8'))
}

function nextSlot(): Slot {
  turn = (turn + 1) % SLOTS
  return slots[turn]!
}

function viewOf({ bytes, views }: Slot, length: number): Buffer {
  return (views[length] ??= bytes.subarray(0, length))
}

/** Bytes that are used at once, of serdes that cannot do that, too. */
export function serializeInPassing<T>(serde: Serde<T>, value: T, context: SerdeContext): Uint8Array {
  return serde.serializeInPassing ? serde.serializeInPassing(value, context) : serde.serialize(value, context)
}
