import { isDeepStrictEqual } from 'node:util'

/** Equal by content, as `equals` in Kafka Streams: keys may be objects or bytes. */
export function equalKeys(left: unknown, right: unknown): boolean {
  if (left === right) return true
  return typeof left === 'object' && typeof right === 'object' && isDeepStrictEqual(left, right)
}
