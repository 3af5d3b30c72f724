/**
 * The topic settings that the embedded broker acts on; all others are kept and described, and change nothing.
 */
export interface TopicConfig {
  readonly compacted: boolean
  readonly deleted: boolean
  /**
   * -1: for ever, the default here (Kafka: seven days), so that old timestamps do not make a record vanish.
   */
  readonly retentionMs: number
  readonly retentionBytes: number
  readonly deleteRetentionMs: number
  readonly minCleanableDirtyRatio: number
  readonly recordBytesMax: number
}

export type RawTopicConfig = { readonly [name: string]: string }

export function parseTopicConfig(raw: RawTopicConfig, recordBytesMaxDefault: number): TopicConfig {
  const policies = (raw['cleanup.policy'] ?? 'delete').split(',').map(policy => policy.trim())
  return {
    compacted: policies.includes('compact'),
    deleted: policies.includes('delete'),
    retentionMs: numberOf(raw, 'retention.ms', -1),
    retentionBytes: numberOf(raw, 'retention.bytes', -1),
    deleteRetentionMs: numberOf(raw, 'delete.retention.ms', 86_400_000),
    minCleanableDirtyRatio: numberOf(raw, 'min.cleanable.dirty.ratio', 0.5),
    recordBytesMax: numberOf(raw, 'max.message.bytes', recordBytesMaxDefault),
  }
}

/** The settings that are asked for and known here, with their defaults. */
export function settingsOf(raw: RawTopicConfig, names: readonly string[]): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  for (const name of names) {
    const value = raw[name] ?? DEFAULTS[name]
    if (value !== undefined) found.set(name, value)
  }
  return found
}

const DEFAULTS: RawTopicConfig = {
  'cleanup.policy': 'delete',
  'retention.ms': '-1',
  'retention.bytes': '-1',
  'delete.retention.ms': '86400000',
  'min.cleanable.dirty.ratio': '0.5',
}

/** The name of the first setting that is malformed. */
export function malformedSetting(raw: RawTopicConfig): string | undefined {
  const policies = (raw['cleanup.policy'] ?? 'delete').split(',').map(policy => policy.trim())
  if (policies.some(policy => policy !== 'compact' && policy !== 'delete')) return 'cleanup.policy'
  return NUMERIC.find(name => Number.isNaN(numberOf(raw, name, 0)))
}

const NUMERIC = [
  'retention.ms',
  'retention.bytes',
  'delete.retention.ms',
  'min.cleanable.dirty.ratio',
  'max.message.bytes',
]

function numberOf(raw: RawTopicConfig, name: string, fallback: number): number {
  const text = raw[name]
  if (text === undefined) return fallback
  return text.trim() === '' ? Number.NaN : Number(text)
}
