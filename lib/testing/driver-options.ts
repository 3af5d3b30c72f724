import type { StreamsConfig } from '../streams/config.ts'

export interface TopologyTestDriverOptions {
  /**
   * How many records one call may lead to, before the topology is taken for one that feeds itself. Default
   * 100,000.
   */
  readonly stepsMax?: number
  readonly config?: Partial<StreamsConfig>
  /** Default 0. */
  readonly startWallClockMs?: number
}
