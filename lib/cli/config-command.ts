import { Command } from 'commander'
import type { LogLevel } from '../common/logger.ts'
import { resolveConfig } from '../streams/config.ts'
import { exitCodeAfter, type ExitCode } from './exit-code.ts'
import { loadApplication, type Application } from './job.ts'
import { collectPairs, type Pair } from './option-values.ts'
import { print, table } from './output.ts'
import { applicationIdOption, logLevelOption } from './shared-options.ts'

const EXAMPLES = `
Where a value comes from: default; file (its config export); file name; --set; an option; a variable of the environment.
Arguments of the topology, which --set gives to its function, are no settings.

Examples:
  millrace config orders.ts
  millrace config orders.ts --set processingGuarantee=at-least-once --json | jq .commitIntervalMs
`

interface ConfigOptions {
  readonly applicationId?: string
  readonly stateDir?: string
  readonly set?: readonly Pair[]
  readonly json?: boolean
  readonly logLevel: LogLevel
}

export function configCommand(onEnd: (exitCode: ExitCode) => void): Command {
  return new Command('config')
    .description('print every setting of an application, and where its value comes from')
    .argument('<file>', 'topology file, TypeScript or JavaScript')
    .addOption(applicationIdOption('names the group, the topics and the state (default: the file name)'))
    .option('--state-dir <directory>', 'where all state lies (default: MILLRACE_STATE_DIR, else .millrace)')
    .option('--set <name=value>', 'a setting, or an argument of the topology (repeatable)', collectPairs)
    .option('--json', 'print JSON')
    .addOption(logLevelOption())
    .addHelpText('after', EXAMPLES)
    .action(async (file: string, options: ConfigOptions, command: Command) => {
      const isNamedOutside = command.getOptionValueSource('applicationId') === 'env'
      const show = () => printSettings(file, options, isNamedOutside)
      onEnd(await exitCodeAfter(options.logLevel, show))
    })
}

async function printSettings(file: string, options: ConfigOptions, isNamedOutside: boolean): Promise<void> {
  const application = await loadApplication({ ...options, file, set: options.set ?? [] })
  const effective = Object.entries(resolveConfig(application.config))
  const settings = effective.map(([name, value]) => ({
    name,
    value: plain(value),
    from: sourceOf(name, application, options, isNamedOutside),
  }))
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

/** In the order in which `loadApplication` looks: what comes first counts. */
function sourceOf(
  name: string,
  { file, set }: Application,
  { applicationId, stateDir }: ConfigOptions,
  isNamedOutside: boolean,
): string {
  const isInFile = file.config !== undefined && Object.hasOwn(file.config, name)
  if (name === 'applicationId') {
    if (applicationId !== undefined) return isNamedOutside ? 'MILLRACE_APPLICATION_ID' : '--application-id'
    return isInFile ? 'file' : 'file name'
  }
  if (name === 'stateDir') {
    if (stateDir !== undefined) return '--state-dir'
    if (process.env['MILLRACE_STATE_DIR'] !== undefined) return 'MILLRACE_STATE_DIR'
  }
  if (Object.hasOwn(set, name)) return '--set'
  return isInFile ? 'file' : 'default'
}

/** Functions and serdes by their names; null is a setting that has no value. */
function plain(value: unknown): unknown {
  if (typeof value === 'function') return `function ${value.name === '' ? '(anonymous)' : value.name}`
  if (typeof value !== 'object' || value === null) return value ?? null
  if ('serialize' in value && 'name' in value) return `serde ${String(value.name)}`
  return value
}
