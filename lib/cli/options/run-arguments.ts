import type { InputOption, Pair } from './option-values.ts'
import type { SharedOptions } from './run-options.ts'

/**
 * The options again as a command line, for a process that this one starts. `isMeant`: which of them; the
 * others the process finds for itself, in the environment and the files that this one has them from.
 */
export function runArguments(
  options: SharedOptions,
  isMeant: (name: keyof SharedOptions) => boolean,
): string[] {
  const written: { readonly [name in keyof SharedOptions]?: readonly string[] } = {
    brokers: ['--brokers', options.brokers],
    clientConfig: optional('--client-config', options.clientConfig),
    config: optional('--config', options.config),
    fetch: optional('--fetch', options.fetch),
    produce: optional('--produce', options.produce),
    applicationId: optional('--application-id', options.applicationId),
    stateDir: optional('--state-dir', options.stateDir),
    set: options.set.flatMap(({ name, value }: Pair) => ['--set', `${name}=${value}`]),
    input: options.input.flatMap(input => ['--input', inputText(input)]),
    inputKeySeparator: optional('--input-key-separator', options.inputKeySeparator),
    print: options.print.flatMap(topic => ['--print', topic]),
    printFormat: ['--print-format', options.printFormat],
    partitions: ['--partitions', String(options.partitions)],
    createTopics: options.createTopics ? ['--create-topics'] : [],
    logLevel: ['--log-level', options.logLevel],
  }
  return Object.entries(written).flatMap(([name, args]) => (isMeant(name as keyof SharedOptions) ? args : []))
}

function optional(flag: string, value: string | undefined): readonly string[] {
  return value === undefined ? [] : [flag, value]
}

function inputText({ name, value, keySeparator }: InputOption): string {
  return `${name}=${value}${keySeparator === undefined ? '' : `,key=${keySeparator}`}`
}
