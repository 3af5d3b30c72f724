import { Command } from 'commander'
import { dev, type DevOptions } from '../dev/dev.ts'
import { exitCodeAfter, type ExitCode } from '../output/exit-code.ts'
import { collect, collectInputs, collectPairs, wholeFrom } from '../options/option-values.ts'
import type { SharedOptions } from '../options/run-options.ts'
import {
  applicationIdOption,
  brokersOption,
  clientConfigOption,
  configOption,
  logLevelOption,
  printFormatOption,
} from '../options/shared-options.ts'

const EXAMPLES = `
Runs the application as millrace run does, and starts it again when a source file of its project changes: below the nearest folder
with a package.json, without node_modules, dist, build, coverage and what begins with a dot. Topics, offsets and state stay, but with
--brokers memory. A file that does not load is told, and the next change waited for.

Types are checked beside it, where the project has a tsconfig.json and typescript: errors are told before the restart, which does
not wait for them longer than 3 s. The page of what runs is at the port before PORT: 8079.

Lines of an --input file are written once, however often the application starts; those of standard input (-) as they come.

Examples:
  millrace dev src/app.ts
  millrace dev src/app.ts --input lines=sample.txt --print word-counts
  millrace dev src/app.ts --open --brokers localhost:9092 --create-topics
`

type Repeatable = 'set' | 'input' | 'print'
type GivenOptions = Omit<DevOptions, Repeatable | 'file'> & Partial<Pick<DevOptions, Repeatable>>

export function devCommand(onEnd: (exitCode: ExitCode) => void): Command {
  return new Command('dev')
    .description('run an application, and again whenever one of its files changes')
    .argument('<file>', 'topology file, TypeScript or JavaScript')
    .addOption(brokersOption('embedded (durable, in the state directory), memory, or host:port,…'))
    .addOption(clientConfigOption())
    .addOption(configOption())
    .addOption(applicationIdOption('names the group, the topics and the state (default: the file name)'))
    .option('--state-dir <directory>', 'where all state lies (default: MILLRACE_STATE_DIR, else .millrace)')
    .option('--set <name=value>', 'a setting, or an argument of the topology (repeatable)', collectPairs)
    .option(
      '--input <topic=file[,key=text]>',
      'write the lines of a file, or of -, once; with key, each is a key, this text, and a value (repeatable)',
      collectInputs,
    )
    .option('--input-key-separator <text>', 'the same for every --input without a key of its own')
    .option('--print <topic>', 'print the records of a topic (repeatable)', collect)
    .addOption(printFormatOption('table'))
    .option('--create-topics', 'create missing topics of the topology on a Kafka cluster, too')
    .option('--partitions <n>', 'partitions of topics that are created so', wholeFrom(1), 4)
    .option('--open', 'open the page of what runs in a browser')
    .option('--no-check', 'do not check types')
    .addOption(logLevelOption())
    .addHelpText('after', EXAMPLES)
    .action(async (file: string, options: GivenOptions, command: Command) => {
      const isGiven = (name: keyof SharedOptions) => command.getOptionValueSource(name) === 'cli'
      const all = { set: [], input: [], print: [], ...options, processes: 1, file }
      onEnd(await exitCodeAfter(options.logLevel, () => dev(all, isGiven)))
    })
}
