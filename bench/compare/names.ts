import type { ProcessingGuarantee } from '../../lib/index.ts'

/** Workloads that read a topic to its end: what counts is how many records of it a second. */
export const THROUGHPUT_NAMES = [
  'pass-through',
  'json-map',
  'count',
  'count-uncached',
  'windowed-count',
  'stream-table-join',
  'stream-stream-join',
  'foreign-key-join',
] as const

export type ThroughputName = (typeof THROUGHPUT_NAMES)[number]

/**
 * Everything that has a line in the table. `start-up` is measured with `pass-through`, `memory` with `count`.
 */
export const COMPARE_NAMES = [...THROUGHPUT_NAMES, 'restore', 'latency', 'start-up', 'memory'] as const

export type CompareName = (typeof COMPARE_NAMES)[number]

export const GUARANTEES: readonly ProcessingGuarantee[] = ['at-least-once', 'exactly-once']

/**
 * The same on both sides. Exactly-once at Kafka Streams' default; at-least-once at a second, since its 30 s
 * would outlast a run.
 */
export const COMMIT_MS: { readonly [guarantee in ProcessingGuarantee]: number } = {
  'at-least-once': 1000,
  'exactly-once': 100,
}

/** The default of both, said aloud. */
export const CACHE_BYTES = 10 * 1024 * 1024

export interface Quantity {
  readonly unit: string
  readonly better: 'higher' | 'lower'
}

const RATE: Quantity = { unit: 'records/s', better: 'higher' }

export const QUANTITIES: { readonly [name in CompareName]: Quantity } = {
  'pass-through': RATE,
  'json-map': RATE,
  count: RATE,
  'count-uncached': RATE,
  'windowed-count': RATE,
  'stream-table-join': RATE,
  'stream-stream-join': RATE,
  'foreign-key-join': RATE,
  restore: RATE,
  latency: { unit: 'ms', better: 'lower' },
  'start-up': { unit: 'ms', better: 'lower' },
  memory: { unit: 'MB', better: 'lower' },
}
