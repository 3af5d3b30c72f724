import type { IsolationLevel } from '../../broker/broker.ts'
import type { RuntimeSettings } from './settings.ts'

/**
 * What the application's readers see, the same for input, changelogs and global tables: under exactly-once
 * nothing undecided.
 */
export function isolationOf({
  processingGuarantee,
}: Pick<RuntimeSettings, 'processingGuarantee'>): IsolationLevel {
  return processingGuarantee === 'exactly-once' ? 'read_committed' : 'read_uncommitted'
}
