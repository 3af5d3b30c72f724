import type { Broker, ProcessingGuarantee } from '../lib/index.ts'
import type { Span } from './stopwatch.ts'

export interface BenchOptions {
  readonly broker: Broker
  readonly guarantee: ProcessingGuarantee
  readonly records: number
  readonly stateDir: string
  /** A topic or application name of this run's own: a real broker keeps those of earlier runs. */
  readonly named: (name: string) => string
  readonly progress: (line: string) => void
}

export interface BenchResult extends Span {
  readonly name: string
  readonly guarantee: ProcessingGuarantee
  readonly brokers: string
  readonly records: number
  readonly recordsPerSecond: number
  /** User and system time of all threads, microseconds. */
  readonly cpuMicrosPerRecord: number
  readonly rssMb: number
  /** What came out, as one number; `expected` was computed from the input alone. */
  readonly hash: string
  readonly expected: string
}

/** What a workload hands back; the rest of the result is the frame's. */
export interface Measured extends Span {
  readonly records: number
  readonly hash: string
  readonly expected: string
}

export interface Workload {
  readonly name: string
  /** The question that its figure answers. */
  readonly question: string
  readonly records: number
  readonly smallRecords: number
  /** It is about the Kafka client: `all` leaves it out on other brokers. */
  readonly needsKafka?: boolean
  run(options: BenchOptions): Promise<Measured>
}
