import { Argument, Command, Option } from 'commander'
import { systemRandom } from '../../common/random.ts'
import { ScheduleClient } from '../../patterns/schedules/schedule-client.ts'
import { presentUser } from '../../patterns/present-user.ts'
import type { ConfigFile } from '../options/config-file.ts'
import { collectPairs, wholeFrom, type Pair } from '../options/option-values.ts'
import { addBrokerOptions, applicationIdOption, type BrokerOptions } from '../options/shared-options.ts'
import { asUsage, exitCodeAfter, UsageError, type ExitCode } from '../output/exit-code.ts'
import { print, table } from '../output/output.ts'
import { timeText } from '../records/record-table.ts'
import { explainingLock } from '../run/explaining-lock.ts'
import { withBroker } from '../run/broker-session.ts'
import { loadApplication } from '../run/job.ts'
import { requestOf, type DefinitionOptions } from '../schedules/schedule-request.ts'
import { plainSchedule, SCHEDULE_HEADING, scheduleRow } from '../schedules/schedule-text.ts'

const EXAMPLES = `
Looks at an application's schedules, those of its code and those that are data. What is said holds through restarts; the application
may stand still meanwhile.

list     every schedule, with its next time and the last that fired
show     all that is known of one
next     its next times
pause    it does not fire until it is resumed; what is due meanwhile is not made up for
resume   takes a pause back
trigger  it fires once, now
put      writes a schedule that is data: when, by --cron and --time-zone, --every or --at, and the record that it fires, by --to, --key
         and --value
delete   does away with one that is data

Keys and values are text, or JSON where the sink's serde takes no text. An embedded broker is open to one process at a time: while the
application runs on one, use streams.schedules() in its code.

Examples:
  millrace schedules renewals.ts list
  millrace schedules renewals.ts next renewal-run --count 5
  millrace schedules renewals.ts pause renew-u7 --reason "fraud check"
  millrace schedules renewals.ts trigger renewal-run --brokers kafka-1:9092
  millrace schedules renewals.ts put renew-u7 --cron '0 6 1 * *' --time-zone Europe/Berlin --to renewals --key u7 --value '{"plan":"yoga"}'
  millrace schedules renewals.ts delete renew-u7
`

const LOCK_ADVICE =
  'Schedules of an application that runs on its embedded broker are written by streams.schedules() in its code; those of one on a Kafka cluster from anywhere'

const ACTIONS = ['list', 'show', 'next', 'pause', 'resume', 'trigger', 'put', 'delete'] as const
type Action = (typeof ACTIONS)[number]

interface SchedulesOptions extends BrokerOptions, DefinitionOptions {
  readonly applicationId?: string
  readonly set?: readonly Pair[]
  readonly configFile?: ConfigFile
  readonly count?: number
  readonly reason?: string
  readonly format: 'table' | 'json'
}

interface Request {
  readonly file: string
  readonly action: Action
  readonly id: string
  readonly options: SchedulesOptions
}

export function schedulesCommand(onEnd: (exitCode: ExitCode) => void): Command {
  return addBrokerOptions(new Command('schedules'))
    .description("look at an application's schedules, pause, trigger, write and delete them")
    .argument('<file>', 'topology file, TypeScript or JavaScript')
    .addArgument(new Argument('<action>', 'what is done').choices(ACTIONS))
    .argument('[id]', 'id of the schedule')
    .addOption(applicationIdOption("which application (default: the file's, else the file name)"))
    .option('--set <name=value>', 'an argument of the topology (repeatable)', collectPairs)
    .option('--cron <pattern>', 'put: minute, hour, day of the month, month, day of the week')
    .option('--time-zone <zone>', 'put: time zone of --cron, such as Europe/Berlin')
    .option('--every <ms>', 'put: interval in milliseconds', wholeFrom(1))
    .option('--at <time>', 'put: once, at a time with its zone, such as 2026-12-24T09:00:00Z')
    .addOption(
      new Option(
        '--on-missed <what>',
        'put: what becomes of times that passed meanwhile (default: once)',
      ).choices(['once', 'skip', 'all']),
    )
    .option('--grace <ms>', 'put: lateness that still counts as on time (default: 60000)', wholeFrom(0))
    .option('--jitter <ms>', 'put: delays each firing by up to so much (default: 0)', wholeFrom(0))
    .option('--to <sink>', 'put: where it fires to, by its name in builder.schedules')
    .option('--key <key>', 'put: key of the record')
    .option('--value <value>', 'put: value of the record')
    .option('--count <number>', 'next: how many times (default: 1)', wholeFrom(1))
    .option('--reason <text>', 'pause: why, for whoever asks later')
    .addOption(
      new Option('--format <format>', 'how list and next print').choices(['table', 'json']).default('table'),
    )
    .addHelpText('after', EXAMPLES)
    .action(async (file: string, action: Action, id: string | undefined, options: SchedulesOptions) => {
      const work = () => schedules({ file, action, id: id ?? '', options })
      onEnd(await exitCodeAfter(options.logLevel, work))
    })
}

async function schedules(request: Request): Promise<void> {
  checkRequest(request)
  const { options, file } = request
  const { topology, config } = await loadApplication({ ...options, file, set: options.set ?? [] })
  const plan = topology.plan(config.applicationId)
  await explainingLock(LOCK_ADVICE, () =>
    withBroker({ ...options, stateDir: config.stateDir }, async ({ broker, admin, clock }) => {
      const opened = () => Promise.resolve(admin)
      const by = presentUser()
      const client = new ScheduleClient({ plan, broker, admin: opened, clock, random: systemRandom, by })
      await asUsage(() => answer(request, client))
    }),
  )
}

function checkRequest({ action, id, options }: Request): void {
  if ((action === 'list') !== (id === '')) {
    throw new UsageError(
      'SCHEDULE_MISSING',
      id === ''
        ? `${action} needs the id of a schedule: millrace schedules FILE list prints them`
        : `list takes no "${id}": millrace schedules FILE show ${id}`,
    )
  }
  for (const [name, of] of OPTION_USES) {
    if (options[name] === undefined || of === action) continue
    const flag = name.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)
    throw new UsageError('CONFLICTING_OPTIONS', `--${flag} is for ${of}, and this is ${action}`)
  }
}

const PUT_OPTIONS = [
  'cron',
  'timeZone',
  'every',
  'at',
  'onMissed',
  'grace',
  'jitter',
  'to',
  'key',
  'value',
] as const
const OPTION_USES: readonly (readonly [keyof SchedulesOptions, Action])[] = [
  ...PUT_OPTIONS.map(name => [name, 'put'] as const),
  ['count', 'next'],
  ['reason', 'pause'],
]

async function answer({ action, id, options }: Request, client: ScheduleClient): Promise<void> {
  switch (action) {
    case 'list':
      return list(client, options)
    case 'next':
      return printTimes(await client.next(id, options.count), options)
    case 'show':
      return print(`${JSON.stringify(plainSchedule(await client.find(id)), undefined, 2)}\n`)
    case 'trigger':
      return print(`${id}: triggered, as ${await client.trigger(id)}\n`)
    case 'put':
      await client.put(id, requestOf(client, options))
      return print(`${id}: written\n`)
    case 'delete':
      await client.delete(id)
      return print(`${id}: deleted\n`)
    case 'pause':
      await client.pause(id, options.reason)
      return print(`${id}: paused\n`)
    case 'resume':
      await client.resume(id)
      return print(`${id}: resumed\n`)
  }
}

async function list(client: ScheduleClient, { format }: SchedulesOptions): Promise<void> {
  const found = await client.list()
  if (format === 'table') return print(table([SCHEDULE_HEADING, ...found.map(scheduleRow)]))
  for (const schedule of found) await print(`${JSON.stringify(plainSchedule(schedule))}\n`)
}

async function printTimes(times: readonly number[], { format }: SchedulesOptions): Promise<void> {
  for (const ms of times) await print(`${format === 'json' ? JSON.stringify(timeText(ms)) : timeText(ms)}\n`)
}
