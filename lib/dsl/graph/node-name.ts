import { TopologyError } from '../../common/errors/errors.ts'

/**
 * Throws for an illegal name. Names become parts of topic names, whose rules are Kafka's: at most 249
 * characters out of letters, digits, `.`, `_`, `-`.
 */
export function checkName(name: string): string {
  if (/^[a-zA-Z0-9._-]{1,249}$/.test(name) && name !== '.' && name !== '..') return name
  throw new TopologyError(
    'INVALID_NAME',
    `"${name}" is no valid name: use 1 to 249 letters, digits, ".", "_" or "-", but not just "." or "..".`,
  )
}
