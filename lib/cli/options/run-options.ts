import type { LogLevel } from '../../common/logger.ts'
import type { ConfigFile } from './config-file.ts'
import type { InputOption, Pair } from './option-values.ts'
import type { PrintFormat } from '../records/record-format.ts'

/** The command line of `millrace run`, parsed. Names are those of the options. */
export interface RunOptions extends SharedOptions {
  readonly file: string
}

/** Everything but the file: with several files, each is run with these. */
export interface SharedOptions {
  readonly brokers: string
  /** A file of client settings. */
  readonly clientConfig?: string
  /** The path of a config file that was named; and the one that counts. */
  readonly config?: string
  readonly configFile?: ConfigFile
  /** How records are read from a Kafka cluster. */
  readonly fetch?: 'direct' | 'native'
  /** How records are sent to a Kafka cluster. */
  readonly produce?: 'direct' | 'native'
  readonly applicationId?: string
  readonly stateDir?: string
  readonly set: readonly Pair[]
  readonly input: readonly InputOption[]
  /** The separator of inputs that have none of their own. */
  readonly inputKeySeparator?: string
  /** Topics. */
  readonly print: readonly string[]
  readonly printFormat: PrintFormat
  readonly partitions: number
  readonly createTopics?: boolean
  readonly processes: number
  readonly exitWhenIdle?: boolean
  readonly logLevel: LogLevel
  /** Given by a supervisor to the processes it starts. */
  readonly processIndex?: number
  /** Whether there is a console in front of the applications, what it may break, and who may use it. */
  readonly console?: boolean
  readonly consoleFaults?: boolean
  readonly consoleToken?: string
  /** Given by the console to the process that answers it. */
  readonly consoleSocket?: string
  /** Given by `millrace dev` and the console: this process tells them how far it is. */
  readonly supervised?: boolean
}

/** A broker inside this process, which no other process can reach. */
export function isLocal(brokers: string): boolean {
  return brokers === 'embedded' || brokers === 'memory'
}
