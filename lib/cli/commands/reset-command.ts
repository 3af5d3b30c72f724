import { join } from 'node:path'
import { Command, Option } from 'commander'
import { planOptions } from '../../streams/config.ts'
import { withBroker, type Session } from '../run/broker-session.ts'
import type { ConfigFile } from '../options/config-file.ts'
import { executeReset } from '../reset/execute-reset.ts'
import { exitCodeAfter, type ExitCode } from '../output/exit-code.ts'
import { loadApplication, type Application } from '../run/job.ts'
import { collectPairs, wholeFrom, type Pair } from '../options/option-values.ts'
import { print } from '../output/output.ts'
import { planReset, type ResetPlan, type ResetTo } from '../reset/plan-reset.ts'
import { addBrokerOptions, applicationIdOption, type BrokerOptions } from '../options/shared-options.ts'

const EXAMPLES = `
Makes an application begin anew: its inputs' committed offsets are moved, its repartition and changelog topics deleted, and its state
directories on this machine removed. Without --execute it only prints what it would do. Its inputs and outputs keep their
records, so results are written to the outputs once more.

The application must not run anywhere. State directories on other machines are theirs to remove, before it starts there. Where the
command ends in the middle, run it again: it does the rest. Topics of an earlier topology are named, and left.

Examples:
  millrace reset orders.ts
  millrace reset orders.ts --execute
  millrace reset orders.ts --application-id orders-eu --brokers kafka-1:9092 --to-latest --execute
`

interface ResetOptions extends BrokerOptions {
  readonly applicationId?: string
  readonly set?: readonly Pair[]
  readonly toEarliest?: boolean
  readonly toLatest?: boolean
  readonly toOffset?: number
  readonly execute?: boolean
  readonly configFile?: ConfigFile
}

export function resetCommand(onEnd: (exitCode: ExitCode) => void): Command {
  return addBrokerOptions(new Command('reset'))
    .description('make an application begin anew: offsets, internal topics, local state')
    .argument('<file>', 'topology file, TypeScript or JavaScript')
    .addOption(applicationIdOption("which application (default: the file's, else the file name)"))
    .option('--set <name=value>', 'a setting, or an argument of the topology (repeatable)', collectPairs)
    .addOption(
      new Option('--to-earliest', 'inputs from their beginnings (the default)').conflicts([
        'toLatest',
        'toOffset',
      ]),
    )
    .addOption(new Option('--to-latest', 'only what comes from now on').conflicts('toOffset'))
    .addOption(
      new Option(
        '--to-offset <n>',
        'from this offset in every partition, or its nearest where it has fewer',
      ).argParser(wholeFrom(0)),
    )
    .option('--execute', 'do it')
    .addHelpText('after', EXAMPLES)
    .action(async (file: string, options: ResetOptions) => {
      onEnd(await exitCodeAfter(options.logLevel, () => reset(file, options)))
    })
}

async function reset(path: string, options: ResetOptions): Promise<void> {
  const application = await loadApplication({ ...options, file: path, set: options.set ?? [] })
  // The file may name the state directory, in which the embedded broker lies.
  const { stateDir } = application.config
  await withBroker({ ...options, stateDir }, session => resetApplication(application, options, session))
}

async function resetApplication(
  { topology, config }: Application,
  options: ResetOptions,
  { broker, admin, ending, logger }: Session,
): Promise<void> {
  const { stateDir, applicationId } = config
  const plan = topology.plan(applicationId, planOptions(config))
  const planned = await planReset({ plan, stateDir }, admin, resetTo(options))
  await print(asText(planned, options.execute ?? false))
  for (const topic of planned.missing) logger.log('warn', `the input ${topic} does not exist`)
  for (const topic of planned.others) {
    logger.log(
      'warn',
      `${topic} is left: it is named like an internal topic, but this topology has none of that name`,
    )
  }
  if (options.execute) {
    await executeReset(planned, { broker, admin, logger, signal: ending.signal })
    await print(`${planned.groupId} is reset\n`)
  } else await print('nothing is changed; add --execute to do it\n')
}

function resetTo({ toLatest, toOffset }: ResetOptions): ResetTo {
  if (toOffset !== undefined) return { offset: toOffset }
  return toLatest ? 'latest' : 'earliest'
}

function asText({ groupId, moves, topics, stateDirs }: ResetPlan, executes: boolean): string {
  const would = executes ? '' : 'would be '
  const lines = [
    ...moves.map(({ topic, partition, from, to }) => {
      const before = from === undefined ? 'without offset' : String(from)
      return `offset of ${topic}-${partition}: ${would}moved from ${before} to ${to}`
    }),
    ...topics.map(topic => `topic ${topic}: ${would}deleted`),
    ...stateDirs.map(directory => `directory ${join(directory, groupId)}: ${would}removed`),
  ]
  return lines.map(line => `${line}\n`).join('')
}
