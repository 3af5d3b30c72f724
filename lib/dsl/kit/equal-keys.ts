import { isDeepStrictEqual } from 'node:util'

/** Whether keys are equal by content, as `equals` in Kafka Streams: they may be objects or bytes. */
export function equalKeys(left: unknown, right: unknown): boolean {
  if (left === right) return true
  return typeof left === 'object' && typeof right === 'object' && isDeepStrictEqual(left, right)
}
