import { Option, type Command } from 'commander'
import type { LogLevel } from '../common/logger.ts'
import { LOG_LEVELS } from './option-values.ts'
import { PRINT_FORMATS, type PrintFormat } from './record-format.ts'
import { isLocal } from './run-options.ts'

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
    .addOption(brokersOption('embedded (durable, in the state directory), or host:port,…'))
    .addOption(clientConfigOption())
    .option(
      '--state-dir <directory>',
      'where the embedded broker lies (default: MILLRACE_STATE_DIR, else .millrace)',
    )
    .addOption(logLevelOption())
}

export function brokersOption(which: string): Option {
  return new Option('--brokers <brokers>', which).default('embedded').env('MILLRACE_BROKERS')
}

export function clientConfigOption(): Option {
  return new Option(
    '--client-config <file>',
    'settings of the Kafka client, name=value lines: security.protocol, sasl.…',
  ).env('MILLRACE_CLIENT_CONFIG')
}

export function applicationIdOption(description: string): Option {
  return new Option('--application-id <id>', description).env('MILLRACE_APPLICATION_ID')
}

/**
 * An environment is meant for many commands: its client settings are left out where this one speaks to no
 * cluster. On the command line they would be a mistake, which is told. An empty variable is none.
 */
export function leaveOutUnused(command: Command): void {
  for (const name of ['brokers', 'clientConfig', 'applicationId']) {
    const isEmpty = command.getOptionValueSource(name) === 'env' && command.getOptionValue(name) === ''
    const option = command.options.find(each => each.attributeName() === name)
    if (isEmpty) command.setOptionValueWithSource(name, option?.defaultValue, 'default')
  }
  const isFromEnvironment = command.getOptionValueSource('clientConfig') === 'env'
  if (isFromEnvironment && isLocal(String(command.getOptionValue('brokers')))) {
    command.setOptionValueWithSource('clientConfig', undefined, 'default')
  }
}

export function printFormatOption(byDefault: PrintFormat): Option {
  return new Option('--print-format <format>', 'how --print writes records')
    .choices(PRINT_FORMATS)
    .default(byDefault)
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
