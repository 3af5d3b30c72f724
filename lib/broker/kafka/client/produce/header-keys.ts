import { utf8 } from '../../../../common/bytes.ts'

/** The most header keys that are cached. Most applications have few, but one may make them up. */
const KEYS_MAX = 1_000

const known = new Map<string, Uint8Array>()

export function headerKeyBytes(key: string): Uint8Array {
  const bytes = known.get(key)
  if (bytes) return bytes
  if (known.size >= KEYS_MAX) known.clear()
  const fresh = utf8(key)
  known.set(key, fresh)
  return fresh
}
