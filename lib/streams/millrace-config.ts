import type { NewTopic } from '../broker/broker.ts'
import type { StreamsConfig } from './config.ts'

/**
 * The default export of `millrace.config.ts` (or `.js`, or the whole of `.json`) in the working directory:
 * what the commands of `millrace` take where neither the command line nor the environment says otherwise. It
 * goes before what the topology's own file exports. Paths are relative to the file.
 */
export interface MillraceConfig {
  /** Brokers to run on: `embedded`, `memory`, or `host:port,…`. */
  readonly brokers?: string
  /** A file of client settings, `name=value` lines; left out for brokers in this process. */
  readonly clientConfig?: string
  readonly applicationId?: string
  /** Directory of the state. Ignored for `memory`, which forgets what the state belongs to. */
  readonly stateDir?: string
  /** Settings of the application: `{ commitIntervalMs: 200 }`. */
  readonly settings?: Omit<Partial<StreamsConfig>, 'applicationId' | 'stateDir'>
  /**
   * Topics that are created where they are missing, on any broker; they go before those of the same names
   * that the topology's file exports.
   */
  readonly topics?: readonly NewTopic[]
}
