import type { Logger } from '../../lib/common/logger.ts'

/** A log that can be asked what it was told. */
export function listening(): { readonly logger: Logger; readonly lines: string[] } {
  const lines: string[] = []
  return { lines, logger: { log: (level, message) => void lines.push(`${level} ${message}`) } }
}
