import { Command, CommanderError } from 'commander'
import { packageVersion } from '../common/package-version.ts'
import { completionCommand } from './commands/completion-command.ts'
import { configCommand } from './commands/config-command.ts'
import { applyConfigFile } from './options/config-file.ts'
import { controlCommand } from './commands/control-command.ts'
import { consumeCommand } from './commands/consume-command.ts'
import { describeCommand } from './commands/describe-command.ts'
import { devCommand } from './commands/dev-command.ts'
import { dlqCommand } from './commands/dlq-command.ts'
import { exitCodeAfter, UsageError, type ExitCode } from './output/exit-code.ts'
import { initCommand } from './commands/init-command.ts'
import { produceCommand } from './commands/produce-command.ts'
import { resetCommand } from './commands/reset-command.ts'
import { runCommand } from './commands/run-command.ts'
import { leaveOutEmpty, leaveOutUnused } from './options/shared-options.ts'
import { schedulesCommand } from './commands/schedules-command.ts'
import { topicsCommand } from './commands/topics-command.ts'

const EXAMPLES = `
Examples:
  millrace init my-app
  millrace dev my-app/src/app.ts
  millrace run src/orders.ts
  millrace describe src/orders.ts
  millrace topics list
  millrace help run

MILLRACE_BROKERS, MILLRACE_CLIENT_CONFIG and MILLRACE_APPLICATION_ID stand for the options of these names where they are left out,
then millrace.config.ts, .js or .json in the working directory, or --config FILE: { brokers, clientConfig, applicationId, stateDir,
settings, topics }, of the type MillraceConfig. It goes before what a topology's file exports. millrace config tells what counts.

Exit codes: 0 after a clean end, SIGTERM or SIGINT; 1 failure; 2 wrong usage.
`

/** Commander leaves them out where the output has no colours. */
const HELP_STYLES = {
  styleTitle: (text: string) => `\u001b[1m${text}\u001b[22m`,
  styleCommandText: (text: string) => `\u001b[36m${text}\u001b[39m`,
  styleOptionText: (text: string) => `\u001b[36m${text}\u001b[39m`,
}

const COMMANDS = [
  initCommand,
  devCommand,
  runCommand,
  describeCommand,
  configCommand,
  topicsCommand,
  produceCommand,
  consumeCommand,
  dlqCommand,
  controlCommand,
  schedulesCommand,
  resetCommand,
  completionCommand,
]

/** The whole command line: parses, runs, and says how the process has to end. */
export async function runCommandLine(args: readonly string[]): Promise<ExitCode> {
  let exitCode: ExitCode = 0
  const onEnd = (code: ExitCode) => (exitCode = code)
  try {
    await commands(onEnd).parseAsync(args, { from: 'user' })
    return exitCode
  } catch (error) {
    if (error instanceof UsageError) return exitCodeAfter('info', () => Promise.reject(error))
    if (!(error instanceof CommanderError)) throw error
    // Commander has written its message already; its own code for wrong usage is 1.
    return error.exitCode === 0 ? 0 : 2
  }
}

/** The program with all of its commands; `onEnd` is told how each ends. */
export function commands(onEnd: (exitCode: ExitCode) => void): Command {
  const program = new Command('millrace')
    .description('Runs Kafka Streams topologies, written in TypeScript, in Node.js.')
    .version(packageVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .addHelpText('after', EXAMPLES)
    .configureHelp(HELP_STYLES)
    .showHelpAfterError('(add --help for the options)')
    // Before the subcommands are made: they inherit it.
    .exitOverride()
  program.hook('preAction', (_, command) => completeOptions(command))
  for (const command of COMMANDS) program.addCommand(inheriting(command(onEnd), program))
  return program
}

/** From the command line, else the environment, else the config file. */
async function completeOptions(command: Command): Promise<void> {
  leaveOutEmpty(command)
  await applyConfigFile(command)
  leaveOutUnused(command)
}

function inheriting(command: Command, parent: Command): Command {
  command.copyInheritedSettings(parent)
  for (const each of command.commands) inheriting(each, command)
  return command
}
