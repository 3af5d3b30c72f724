import { Option, type Command } from 'commander'
import type { LogLevel } from '../../common/logger.ts'
import { LOG_LEVELS } from './option-values.ts'
import { PRINT_FORMATS, type PrintFormat } from '../records/record-format.ts'
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
    .addOption(configOption())
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

/** An empty variable of the environment is none. */
export function leaveOutEmpty(command: Command): void {
  for (const name of ['brokers', 'clientConfig', 'applicationId']) {
    const isEmpty = command.getOptionValueSource(name) === 'env' && command.getOptionValue(name) === ''
    const option = command.options.find(each => each.attributeName() === name)
    if (isEmpty) command.setOptionValueWithSource(name, option?.defaultValue, 'default')
  }
}

/**
 * An environment and a config file are meant for many commands: their client settings are left out where this
 * one speaks to no cluster, and a config file's state directory where the brokers forget all. On the command
 * line they would be a mistake, which is told.
 */
export function leaveOutUnused(command: Command): void {
  const brokers = String(command.getOptionValue('brokers'))
  const isFrom = (name: string, ...sources: readonly string[]) =>
    sources.includes(command.getOptionValueSource(name) ?? '')
  const leaveOut = (name: string) => command.setOptionValueWithSource(name, undefined, 'default')
  if (isFrom('clientConfig', 'env', 'config') && isLocal(brokers)) leaveOut('clientConfig')
  if (isFrom('stateDir', 'config') && brokers === 'memory') leaveOut('stateDir')
}

export function configOption(): Option {
  return new Option(
    '--config <file>',
    'what this command line leaves out (default: millrace.config.ts, .js, .json)',
  )
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
