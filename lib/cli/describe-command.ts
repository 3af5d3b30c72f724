import { Command, Option } from 'commander'
import type { LogLevel } from '../common/logger.ts'
import { exitCodeAfter, type ExitCode } from './exit-code.ts'
import { loadTopologyFile } from './load-topology-file.ts'
import { collectPairs, LOG_LEVELS, type Pair } from './option-values.ts'
import { splitSettings } from './split-settings.ts'

const EXAMPLES = `
Examples:
  millrace describe topologies/word-count.ts
  millrace describe orders.ts --set currency=EUR
`

interface DescribeOptions {
  readonly set?: readonly Pair[]
  readonly logLevel: LogLevel
}

export function describeCommand(onEnd: (exitCode: ExitCode) => void): Command {
  return new Command('describe')
    .description("print a topology's nodes, stores and topics, in the JVM original's format")
    .argument('<file>', 'topology file, TypeScript or JavaScript')
    .option('--set <name=value>', 'an argument of the topology (repeatable)', collectPairs)
    .addOption(
      new Option('--log-level <level>', 'debug: with the stack of an error')
        .choices(LOG_LEVELS)
        .default('info'),
    )
    .addHelpText('after', EXAMPLES)
    .action(async (file: string, options: DescribeOptions) => {
      onEnd(await exitCodeAfter(options.logLevel, () => describe(file, options.set ?? [])))
    })
}

async function describe(path: string, pairs: readonly Pair[]): Promise<void> {
  const file = await loadTopologyFile(path)
  const { forTopology } = splitSettings(pairs, { takesSettings: file.takesSettings })
  const text = (await file.topology(forTopology)).describe()
  process.stdout.write(text.endsWith('\n') ? text : `${text}\n`)
}
