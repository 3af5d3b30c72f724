import { Command } from 'commander'
import type { LogLevel } from '../../common/logger.ts'
import { resolveConfig } from '../../streams/config.ts'
import type { ConfigFile } from '../options/config-file.ts'
import { exitCodeAfter, type ExitCode } from '../output/exit-code.ts'
import { loadApplication, type Application } from '../run/job.ts'
import { collectPairs, type Pair } from '../options/option-values.ts'
import { print, table } from '../output/output.ts'
import {
  applicationIdOption,
  brokersOption,
  clientConfigOption,
  configOption,
  logLevelOption,
} from '../options/shared-options.ts'

const EXAMPLES = `
Where a value comes from, the first that says it: an option, --set; a variable of the environment; a config file, by its name; file (what
the topology's file exports); file name; default. declaredTopics are created where they are missing. Arguments of the topology, which
--set gives to its function, are no settings.

Examples:
  millrace config orders.ts
  millrace config orders.ts --set processingGuarantee=at-least-once --json | jq .commitIntervalMs
`

interface ConfigOptions {
  readonly brokers: string
  readonly clientConfig?: string
  readonly configFile?: ConfigFile
  readonly applicationId?: string
  readonly stateDir?: string
  readonly set?: readonly Pair[]
  readonly json?: boolean
  readonly logLevel: LogLevel
}

/** The source of an option's value, as its user knows it; undefined where it has none. */
type SourceOf = (name: string) => string | undefined

export function configCommand(onEnd: (exitCode: ExitCode) => void): Command {
  return new Command('config')
    .description('print every setting of an application, and where its value comes from')
    .argument('<file>', 'topology file, TypeScript or JavaScript')
    .addOption(brokersOption('embedded, memory, or host:port,…'))
    .addOption(clientConfigOption())
    .addOption(configOption())
    .addOption(applicationIdOption('names the group, the topics and the state (default: the file name)'))
    .option('--state-dir <directory>', 'where all state lies (default: MILLRACE_STATE_DIR, else .millrace)')
    .option('--set <name=value>', 'a setting, or an argument of the topology (repeatable)', collectPairs)
    .option('--json', 'print JSON')
    .addOption(logLevelOption())
    .addHelpText('after', EXAMPLES)
    .action(async (file: string, options: ConfigOptions, command: Command) => {
      const show = () => printSettings(file, options, name => optionSource(command, name))
      onEnd(await exitCodeAfter(options.logLevel, show))
    })
}

function optionSource(command: Command, name: string): string | undefined {
  const option = command.options.find(each => each.attributeName() === name)
  switch (command.getOptionValueSource(name)) {
    case 'cli':
      return option?.long ?? undefined
    case 'env':
      return option?.envVar
    case 'config':
      return (command.getOptionValue('configFile') as ConfigFile).name
    default:
      return undefined
  }
}

async function printSettings(file: string, options: ConfigOptions, optionFrom: SourceOf): Promise<void> {
  const application = await loadApplication({ ...options, file, set: options.set ?? [] })
  const named = (['brokers', 'clientConfig'] as const).map(name => ({
    name,
    value: options[name] ?? null,
    from: optionFrom(name) ?? 'default',
  }))
  const effective = Object.entries(resolveConfig(application.config)).map(([name, value]) => ({
    name,
    value: plain(value),
    from: sourceOf(name, application, options, optionFrom),
  }))
  const settings = [...named, ...effective, declaredTopics(application, options)]
  if (options.json) {
    const byName = Object.fromEntries(settings.map(({ name, ...setting }) => [name, setting]))
    await print(`${JSON.stringify(byName, undefined, 2)}\n`)
    return
  }
  const rows = settings.map(({ name, value, from }) => [
    name,
    typeof value === 'string' ? value : JSON.stringify(value),
    from,
  ])
  await print(table([['SETTING', 'VALUE', 'FROM'], ...rows]))
}

function declaredTopics({ file }: Application, { configFile }: ConfigOptions) {
  const value = file.topics ?? []
  const isHere = (topic: string) => configFile?.topics?.some(each => each.topic === topic) ?? false
  const places = new Set(value.map(({ topic }) => (isHere(topic) ? configFile!.name : 'file')))
  return { name: 'declaredTopics', value, from: places.size === 0 ? 'default' : [...places].join(', ') }
}

/** In the order in which `loadApplication` looks: what comes first counts. */
function sourceOf(
  name: string,
  { file, set }: Application,
  { configFile }: ConfigOptions,
  optionFrom: SourceOf,
): string {
  const option = name === 'applicationId' || name === 'stateDir' ? optionFrom(name) : undefined
  if (option !== undefined) return option
  if (name === 'stateDir' && process.env['MILLRACE_STATE_DIR'] !== undefined) return 'MILLRACE_STATE_DIR'
  if (Object.hasOwn(set, name)) return '--set'
  if (configFile?.settings && Object.hasOwn(configFile.settings, name)) return configFile.name
  if (file.config && Object.hasOwn(file.config, name)) return 'file'
  return name === 'applicationId' ? 'file name' : 'default'
}

/** Functions and serdes by their names; null is a setting that has no value. */
function plain(value: unknown): unknown {
  if (typeof value === 'function') return `function ${value.name === '' ? '(anonymous)' : value.name}`
  if (typeof value !== 'object' || value === null) return value ?? null
  if ('serialize' in value && 'name' in value) return `serde ${String(value.name)}`
  return value
}
