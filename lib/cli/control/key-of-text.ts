import { equalBytes, utf8 } from '../../common/bytes.ts'
import type { OperatorKeys } from '../../patterns/control/control-targets.ts'
import type { Serde } from '../../serde/serde.ts'
import { SerdePendingError } from '../../serde/serde-pending-error.ts'
import { UsageError } from '../output/exit-code.ts'

/**
 * The key that a text of the command line stands for: what the operator's serde of keys writes and reads as
 * that. Text that is JSON of something else than a text is tried as that first, so that `42` may be a number;
 * JSON of a text (`"42"`) stands for it where the serde writes JSON. Throws a `UsageError`, `INVALID_KEY`.
 */
export async function keyOfText(text: string, { keySerde, topic }: OperatorKeys): Promise<unknown> {
  if (!keySerde) return utf8(text)
  for (const candidate of candidatesOf(text))
    if (await isKey(candidate, { text, keySerde, topic })) return candidate
  throw new UsageError(
    'INVALID_KEY',
    `--key ${text}: the operator's keys are of the serde ${keySerde.name}, which has no such key; give what is no text as JSON`,
  )
}

function candidatesOf(text: string): unknown[] {
  const found: unknown[] = []
  try {
    found.push(JSON.parse(text))
  } catch {
    // No JSON, but it may be a key all the same.
  }
  if (/^[+-]?\d+$/.test(text)) found.push(BigInt(text))
  return [...found, text]
}

async function isKey(
  candidate: unknown,
  as: { readonly text: string; readonly keySerde: Serde<unknown>; readonly topic: string },
): Promise<boolean> {
  const { text, keySerde, topic } = as
  if (candidate === null) return false
  try {
    const bytes = keySerde.serialize(candidate, { topic })
    if (typeof candidate === 'string' && candidate !== text && !equalBytes(bytes, utf8(text))) return false
    return isSame(keySerde.deserialize(bytes, { topic }), candidate)
  } catch (error) {
    if (!(error instanceof SerdePendingError)) return false
    await error.settled
    return isKey(candidate, as)
  }
}

function isSame(left: unknown, right: unknown): boolean {
  if (typeof left !== typeof right) return false
  return typeof left === 'object' ? JSON.stringify(left) === JSON.stringify(right) : left === right
}
