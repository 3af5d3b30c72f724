import type { IsolationLevel } from '../../broker/broker.ts'
import type { RuntimeSettings } from './settings.ts'

/**
 * Isolation of all consumers of the application, for input, changelogs and global tables: under exactly-once
 * they read committed records only.
 */
export function isolationOf({
  processingGuarantee,
}: Pick<RuntimeSettings, 'processingGuarantee'>): IsolationLevel {
  return processingGuarantee === 'exactly-once' ? 'read_committed' : 'read_uncommitted'
}
