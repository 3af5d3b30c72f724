import { Option, type Command } from 'commander'
import type { LogLevel } from '../common/logger.ts'
import { LOG_LEVELS } from './option-values.ts'

/** Options of every command that speaks to a broker, but runs no application. */
export interface BrokerOptions {
  readonly brokers: string
  /** A file of client settings. */
  readonly clientConfig?: string
  readonly stateDir?: string
  readonly logLevel: LogLevel
}

/** Adds what `BrokerOptions` holds. */
export function addBrokerOptions(command: Command): Command {
  return command
    .option('--brokers <brokers>', 'embedded (durable, in the state directory), or host:port,…', 'embedded')
    .addOption(clientConfigOption())
    .option(
      '--state-dir <directory>',
      'where the embedded broker lies (default: MILLRACE_STATE_DIR, else .millrace)',
    )
    .addOption(logLevelOption())
}

export function clientConfigOption(): Option {
  return new Option(
    '--client-config <file>',
    'settings of the Kafka client, name=value lines: security.protocol, sasl.…',
  )
}

export function logLevelOption(): Option {
  return new Option('--log-level <level>', 'least level that is logged; debug: with the stack of an error')
    .choices(LOG_LEVELS)
    .default('info')
}

/** The state directory of a command that knows no topology file, whose config could name one. */
export function stateDirOf({ stateDir }: Pick<BrokerOptions, 'stateDir'>): string {
  return stateDir ?? process.env['MILLRACE_STATE_DIR'] ?? '.millrace'
}
