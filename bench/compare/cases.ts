import type { ProcessingGuarantee } from '../../lib/index.ts'
import type { Case } from './case.ts'
import { latencyCase, type Pace } from './latency.ts'
import { GUARANTEES, THROUGHPUT_NAMES, type CompareName, type ThroughputName } from './names.ts'
import { restoreCase } from './restore.ts'
import { throughputCase } from './throughput.ts'

/** Fewer where a workload is slow on either side: a whole comparison is to end within 25 minutes. */
const RECORDS: { readonly [name in ThroughputName | 'restore']: number } = {
  'pass-through': 2_000_000,
  'json-map': 2_000_000,
  count: 2_000_000,
  'count-uncached': 800_000,
  'windowed-count': 1_000_000,
  'stream-table-join': 1_000_000,
  'stream-stream-join': 200_000,
  'foreign-key-join': 150_000,
  restore: 2_000_000,
}

const SMALL_RECORDS = 4000
const PACE: Pace = { recordsPerSecond: 20_000, warmUpMs: 4000, measuredMs: 6000 }
const SMALL_PACE: Pace = { recordsPerSecond: 1000, warmUpMs: 200, measuredMs: 500 }

export interface CaseOptions {
  readonly only?: CompareName
  readonly guarantee?: ProcessingGuarantee
  /** In place of what is above. */
  readonly records?: number
  readonly small?: boolean
}

/** Everything that the options ask for. */
export function casesFor({ only, guarantee, records, small }: CaseOptions): Case[] {
  const recordsOf = (name: ThroughputName | 'restore') => records ?? (small ? SMALL_RECORDS : RECORDS[name])
  const guarantees = guarantee ? [guarantee] : small ? (['exactly-once'] as const) : GUARANTEES
  const throughput = THROUGHPUT_NAMES.flatMap(name =>
    guarantees.map(each => throughputCase(name, each, recordsOf(name))),
  )
  const latency = guarantees.map(each => latencyCase(each, small ? SMALL_PACE : PACE))
  const all = [...throughput, restoreCase(recordsOf('restore')), ...latency]
  return only ? all.filter(({ names }) => names.includes(only)) : all
}
