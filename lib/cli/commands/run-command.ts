import { Command, Option } from 'commander'
import { exitCodeAfter, type ExitCode } from '../output/exit-code.ts'
import { collect, collectInputs, collectPairs, wholeFrom } from '../options/option-values.ts'
import { run } from '../run/run.ts'
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
FILE default-exports a Topology, or a function of the --set pairs that returns one, and may export topics, config and
service. Each --set whose name is a setting of the application (commitIntervalMs, processingGuarantee, …) configures it.
Times have an order, which is checked at the start (defaults in ms):
  commitIntervalMs (100) < transactionTimeoutMs (10000), under exactly-once
  socket.timeout.ms (10000) < message.timeout.ms (120000) <= transactionTimeoutMs, which shorten the defaults before them
  sessionTimeoutMs (6000, three heartbeats or more) <= pollIntervalMsMax (300000)

The state directory is --state-dir, else MILLRACE_STATE_DIR, else .millrace; with --brokers memory, which forgets all
records, a temporary one. A service listens on HOST and PORT, by default 127.0.0.1 and 8080.

Several files run in one process, on one broker: each is an application of its own. An overview of them is at PORT, their
services are at the ports behind it.

Every line of an --input file becomes a record, an empty line an empty record. --print begins at the end that a topic
has when the program starts, and shows committed records only: key, tab, value, or in a table with times, partitions and windows. null
is a missing key or a deletion.

Examples:
  millrace run word-count.ts --brokers memory --input streams-plaintext-input=- --print streams-wordcount-output
  millrace run word-count.ts --brokers memory --input streams-plaintext-input=book.txt --exit-when-idle
  millrace run joined.ts --input 'users=users.txt,key=|' --input clicks=clicks.csv,key=, --exit-when-idle
  millrace run orders.ts invoices.ts
  millrace run orders.ts --brokers kafka-1:9092,kafka-2:9092 --processes 4 --state-dir /var/lib/orders
  millrace run orders.ts --brokers kafka-1:9093 --client-config sasl.properties
  millrace run orders.ts --set processingGuarantee=at-least-once --set currency=EUR
`

type Repeatable = 'set' | 'input' | 'print'
type GivenOptions = Omit<SharedOptions, Repeatable> & Partial<Pick<SharedOptions, Repeatable>>

export function runCommand(onEnd: (exitCode: ExitCode) => void): Command {
  return new Command('run')
    .description('run an application, or several, until SIGTERM or SIGINT')
    .argument('<file...>', 'topology files, TypeScript or JavaScript')
    .addOption(brokersOption('embedded (durable, in the state directory), memory, or host:port,…'))
    .addOption(clientConfigOption())
    .addOption(configOption())
    .addOption(
      new Option(
        '--fetch <path>',
        'how records are read from a Kafka cluster; native is slower, and taken by itself where it is needed',
      ).choices(['direct', 'native']),
    )
    .addOption(
      new Option('--produce <path>', 'how records are sent to a Kafka cluster; likewise').choices([
        'direct',
        'native',
      ]),
    )
    .addOption(applicationIdOption('names the group, the topics and the state (default: the file name)'))
    .option('--state-dir <directory>', 'where all state lies (default: MILLRACE_STATE_DIR, else .millrace)')
    .option('--set <name=value>', 'a setting, or an argument of the topology (repeatable)', collectPairs)
    .option(
      '--input <topic=file[,key=text]>',
      'write the lines of a file, or of -; with key, each is a key, this text, and a value (repeatable)',
      collectInputs,
    )
    .option('--input-key-separator <text>', 'the same for every --input without a key of its own')
    .option('--print <topic>', 'print the records of a topic (repeatable)', collect)
    .addOption(printFormatOption('text'))
    .option('--create-topics', 'create missing topics of the topology on a Kafka cluster, too')
    .option('--partitions <n>', 'partitions of topics that are created so', wholeFrom(1), 4)
    .option(
      '--processes <n>',
      'share the work among so many processes; needs a Kafka cluster',
      wholeFrom(1),
      1,
    )
    .option('--exit-when-idle', 'end when all input is processed and nothing more comes')
    .option('--console', 'one site in front of the applications: topology, stores, topics, letters, rooms')
    .option('--console-faults', 'let its visitors kill and stall the processes')
    .addOption(
      new Option(
        '--console-token <text>',
        'what visitors must bring; needed where HOST is not this machine',
      ).env('MILLRACE_CONSOLE_TOKEN'),
    )
    .addOption(logLevelOption())
    .addOption(new Option('--console-socket <path>').hideHelp())
    .addOption(new Option('--supervised').hideHelp())
    .addOption(new Option('--process-index <n>').argParser(wholeFrom(0)).hideHelp())
    .addHelpText('after', EXAMPLES)
    .action(async (files: string[], options: GivenOptions) => {
      onEnd(
        await exitCodeAfter(options.logLevel, () =>
          run(files, { set: [], input: [], print: [], ...options }),
        ),
      )
    })
}
