import { Argument, Command, Option } from 'commander'
import { ControlClient } from '../../patterns/control/control-client.ts'
import {
  ControlTargets,
  type LetterTarget,
  type OperatorTarget,
} from '../../patterns/control/control-targets.ts'
import { presentUser } from '../../patterns/present-user.ts'
import {
  COMMAND_HEADING,
  commandRow,
  EVENT_HEADING,
  eventRow,
  jsonLine,
  targetWords,
} from '../control/control-text.ts'
import { keyOfText } from '../control/key-of-text.ts'
import type { ConfigFile } from '../options/config-file.ts'
import { collectPairs, wholeFrom, type Pair } from '../options/option-values.ts'
import { addBrokerOptions, applicationIdOption, type BrokerOptions } from '../options/shared-options.ts'
import { asUsage, exitCodeAfter, UsageError, type ExitCode } from '../output/exit-code.ts'
import { print, table } from '../output/output.ts'
import { explainingLock } from '../run/explaining-lock.ts'
import { withBroker } from '../run/broker-session.ts'
import { loadApplication } from '../run/job.ts'

const EXAMPLES = `
Tells operators with retry what to do, in every process of a running application. What is said holds until it is taken back,
through restarts; the application may stand still meanwhile.

pause    nothing of the operator, its partition or its key is called; what comes waits
resume   takes back what was said about exactly that: a pause, an ignore, or a skip that has not come to its record
ignore   from now on what fails, or has failed and waits, is a dead letter at once
skip     one record, by its id, becomes a dead letter without another call
list     what is in effect
history  who has said what, when and why, and what has come of it

Of several commands about a record the most specific counts: record, key, partition, operator. An embedded broker is open to one
process at a time: while the application runs on one, use streams.control() in its code, or its page.

Examples:
  millrace control renewals.ts pause charge --key u7 --reason "fraud check"
  millrace control renewals.ts resume charge --key u7
  millrace control renewals.ts ignore charge --partition 3
  millrace control renewals.ts skip charge renewals-3-1841 --reason "typo in the address"
  millrace control renewals.ts list --brokers kafka-1:9092
`

const LOCK_ADVICE =
  'An application that runs on its embedded broker is controlled by streams.control() in its code, or by its page; one on a Kafka cluster from anywhere'

const ACTIONS = ['pause', 'resume', 'ignore', 'skip', 'list', 'history'] as const
type Action = (typeof ACTIONS)[number]

interface ControlOptions extends BrokerOptions {
  readonly applicationId?: string
  readonly set?: readonly Pair[]
  readonly configFile?: ConfigFile
  readonly key?: string
  readonly partition?: number
  readonly reason?: string
  readonly by?: string
  readonly limit?: number
  readonly format: 'table' | 'json'
}

interface Request {
  readonly file: string
  readonly action: Action
  readonly operator: string | undefined
  readonly letter: string | undefined
  readonly options: ControlOptions
}

export function controlCommand(onEnd: (exitCode: ExitCode) => void): Command {
  return addBrokerOptions(new Command('control'))
    .description('pause, resume, skip and ignore what operators with retry do')
    .argument('<file>', 'topology file, TypeScript or JavaScript')
    .addArgument(new Argument('<action>', 'what is done').choices(ACTIONS))
    .argument('[operator]', 'name of the operator')
    .argument('[letter]', 'skip, resume: id of the record, as its dead letter has or would have it')
    .addOption(applicationIdOption("which application (default: the file's, else the file name)"))
    .option('--set <name=value>', 'an argument of the topology (repeatable)', collectPairs)
    .option('--key <key>', 'only this key, as list prints it')
    .option('--partition <number>', 'only this partition', wholeFrom(0))
    .option('--reason <text>', 'why, for whoever asks later')
    .option('--by <name>', 'who says so (default: user@host)')
    .option('--limit <count>', 'history: how many of the last entries (default: 100)', wholeFrom(1))
    .addOption(
      new Option('--format <format>', 'how list and history print')
        .choices(['table', 'json'])
        .default('table'),
    )
    .addHelpText('after', EXAMPLES)
    .action(
      async (
        file: string,
        action: Action,
        operator: string | undefined,
        letter: string | undefined,
        options: ControlOptions,
      ) => {
        const request = { file, action, operator, letter, options }
        onEnd(await exitCodeAfter(options.logLevel, () => control(request)))
      },
    )
}

async function control(request: Request): Promise<void> {
  checkRequest(request)
  const { options, file } = request
  const { topology, config } = await loadApplication({ ...options, file, set: options.set ?? [] })
  const { applicationId, stateDir, defaultKeySerde } = config
  const targets = new ControlTargets(topology.plan(applicationId), defaultKeySerde)
  const { operator, action } = request
  if (operator !== undefined && action !== 'resume') await asUsage(() => targets.keysOf(operator))
  await explainingLock(LOCK_ADVICE, () =>
    withBroker({ ...options, stateDir }, async ({ broker, admin, clock }) => {
      const { by = presentUser() } = options
      const opened = () => Promise.resolve(admin)
      const client = new ControlClient({ applicationId, targets, broker, admin: opened, clock, by })
      await asUsage(() => answer(request, client, targets))
    }),
  )
}

function checkRequest({ action, operator, letter, options }: Request): void {
  const isLook = action === 'list' || action === 'history'
  const mayNameLetter = action === 'skip' || action === 'resume'
  const isIncomplete = (!isLook && operator === undefined) || (action === 'skip' && letter === undefined)
  if (isIncomplete) {
    const needs = action === 'skip' ? 'an operator and the id of a record' : 'an operator'
    throw new UsageError(
      'COMMAND_INCOMPLETE',
      `${action} needs ${needs}: millrace control FILE ${action} ${action === 'skip' ? 'OPERATOR ID' : 'OPERATOR'}`,
    )
  }
  if ((isLook && operator !== undefined) || (!mayNameLetter && letter !== undefined)) {
    throw new UsageError('COMMAND_INCOMPLETE', `${action} takes no "${letter ?? operator}"`)
  }
  const { key, partition } = options
  const parts = [letter, key, partition].filter(part => part !== undefined)
  if (parts.length > 1 || (isLook && parts.length > 0)) {
    throw new UsageError(
      'CONFLICTING_OPTIONS',
      isLook
        ? `--key and --partition are for commands, and this is ${action}`
        : 'give one of --key, --partition and the id of a record',
    )
  }
}

async function answer(request: Request, client: ControlClient, targets: ControlTargets): Promise<void> {
  const { action, options } = request
  if (action === 'list') return printAll(await client.list(), commandRow, COMMAND_HEADING, options)
  if (action === 'history') return printAll(await client.history(options), eventRow, EVENT_HEADING, options)
  const target = await targetOf(request, targets)
  const said = { reason: options.reason, by: options.by }
  if ('letter' in target) {
    if (action === 'skip') await client.skip(target, said)
    const before = action === 'resume' ? await client.resume(target, said) : undefined
    return tell(target, action === 'skip' ? 'skipped' : resumed(before))
  }
  if (action === 'resume') return tell(target, resumed(await client.resume(target, said)))
  if (action === 'pause') await client.pause(target, said)
  else await client.ignore(target, said)
  await tell(target, action === 'pause' ? 'paused' : 'ignored')
}

async function targetOf(
  { operator = '', letter, options }: Request,
  targets: ControlTargets,
): Promise<OperatorTarget | LetterTarget> {
  if (letter !== undefined) return { operator, letter }
  const { key, partition } = options
  if (key === undefined) return { operator, ...(partition !== undefined && { partition }) }
  // Without the operator there is no serde: the text's bytes are meant.
  const keys = targets.has(operator) ? targets.keysOf(operator) : { keySerde: undefined, topic: '' }
  return { operator, key: await keyOfText(key, keys) }
}

function resumed(before: object | undefined): string {
  return before ? 'resumed' : 'nothing was in effect, and nothing is changed'
}

async function tell(target: OperatorTarget | LetterTarget, what: string): Promise<void> {
  await print(`${targetWords(target)}: ${what}\n`)
}

async function printAll<T extends Parameters<typeof jsonLine>[0]>(
  items: readonly T[],
  row: (item: T) => string[],
  heading: string[],
  { format }: ControlOptions,
): Promise<void> {
  if (format === 'table') return print(table([heading, ...items.map(row)]))
  for (const item of items) await print(jsonLine(item))
}
