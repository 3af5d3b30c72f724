import { Command, Option } from 'commander'
import type { LogLevel } from '../../common/logger.ts'
import type { ConfigFile } from '../options/config-file.ts'
import { describeJson } from '../../topology/describe-json.ts'
import { describeMermaid } from '../describe/describe-mermaid.ts'
import { describeSvg } from '../describe/describe-svg.ts'
import { planOptions } from '../../streams/config.ts'
import { exitCodeAfter, type ExitCode } from '../output/exit-code.ts'
import { loadApplication } from '../run/job.ts'
import { collectPairs, type Pair } from '../options/option-values.ts'
import { print } from '../output/output.ts'
import { applicationIdOption, configOption, logLevelOption } from '../options/shared-options.ts'

const EXAMPLES = `
Examples:
  millrace describe orders.ts
  millrace describe orders.ts --set currency=EUR
  millrace describe orders.ts --format mermaid > orders.mmd
  millrace describe orders.ts --format svg > orders.svg
  millrace describe orders.ts --format json | jq '.subtopologies[].stores[].changelogTopic'

text is the format of Kafka Streams, which viewers of topologies read. The others have the real names of internal
topics, for the application id: of --application-id or a config file, else the file's config, else the file name.
`

interface DescribeOptions {
  readonly set?: readonly Pair[]
  readonly format: 'text' | 'json' | 'mermaid' | 'svg'
  readonly applicationId?: string
  readonly configFile?: ConfigFile
  readonly logLevel: LogLevel
}

export function describeCommand(onEnd: (exitCode: ExitCode) => void): Command {
  return new Command('describe')
    .description("print a topology's nodes, stores and topics")
    .argument('<file>', 'topology file, TypeScript or JavaScript')
    .addOption(applicationIdOption('names the group, the topics and the state (default: the file name)'))
    .option('--set <name=value>', 'an argument of the topology (repeatable)', collectPairs)
    .addOption(
      new Option('--format <format>', 'how it is printed')
        .choices(['text', 'json', 'mermaid', 'svg'])
        .default('text'),
    )
    .addOption(configOption())
    .addOption(logLevelOption())
    .addHelpText('after', EXAMPLES)
    .action(async (file: string, options: DescribeOptions) => {
      onEnd(await exitCodeAfter(options.logLevel, () => describe(file, options)))
    })
}

async function describe(file: string, { set = [], format, ...named }: DescribeOptions): Promise<void> {
  const { topology, config } = await loadApplication({ ...named, file, set })
  const text =
    format === 'text'
      ? topology.describe()
      : FORMATTERS[format](topology.plan(config.applicationId, planOptions(config)))
  await print(text.endsWith('\n') ? text : `${text}\n`)
}

const FORMATTERS = { json: describeJson, mermaid: describeMermaid, svg: describeSvg }
