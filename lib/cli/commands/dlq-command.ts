import { Command, Option } from 'commander'
import { systemRandom } from '../../common/random.ts'
import { DeadLetters, type ListedLetter } from '../../patterns/letters/dead-letters.ts'
import { letterBoxes, type LetterBox } from '../../patterns/letters/letter-box.ts'
import { LETTER_REASONS } from '../../patterns/letters/letter-filter.ts'
import type { LetterActionResult, ReplayOptions } from '../../patterns/letters/letter-run.ts'
import { presentUser } from '../../patterns/present-user.ts'
import { actOnLetters } from '../letters/act-on-letters.ts'
import { findBoxes } from '../letters/find-boxes.ts'
import { asksForAll, filterOf, parseMoment, type LetterQuery } from '../letters/letter-query.ts'
import { LETTER_HEADING, LetterText } from '../letters/letter-text.ts'
import type { ConfigFile } from '../options/config-file.ts'
import { collectPairs, type Pair } from '../options/option-values.ts'
import { addBrokerOptions, applicationIdOption, type BrokerOptions } from '../options/shared-options.ts'
import { painted } from '../output/colours.ts'
import { planOptions } from '../../streams/config.ts'
import { asUsage, exitCodeAfter, UsageError, type ExitCode } from '../output/exit-code.ts'
import { print } from '../output/output.ts'
import { withBroker, type Session } from '../run/broker-session.ts'
import { loadApplication } from '../run/job.ts'

const EXAMPLES = `
Dead letters of operators with retry. The topology file gives the application and its serdes; without it, --application-id names the
application, and what is no text is printed as { "base64": … }.

list    one line a letter, those that were replayed or purged only with --all
show    all that is known of letters
replay  has letters processed again by their operator, in order, with the idempotency key of their records. The application
        need not run. What was replayed before is left alone, unless --force
purge   does away with letters

Letters are named by their ids, or found by --operator, --key, --error, --reason, --since and --before. An embedded broker is open to
one process at a time: stop the application first, or use its page, or streams.deadLetters() in its code.

Examples:
  millrace dlq renewals.ts list --operator charge --key u7 --since 2h
  millrace dlq renewals.ts list --error CardDeclined --format json | jq -r .id
  millrace dlq renewals.ts show renewals-3-1841
  millrace dlq renewals.ts replay --error CardDeclined --dry-run
  millrace dlq renewals.ts replay renewals-3-1841
  millrace dlq renewals.ts purge --before 30d
  millrace dlq list --application-id renewals --brokers kafka-1:9092
`

const ACTIONS = ['list', 'show', 'replay', 'purge'] as const
type Action = (typeof ACTIONS)[number]

interface DlqOptions extends BrokerOptions, Omit<LetterQuery, 'ids'> {
  readonly applicationId?: string
  readonly set?: readonly Pair[]
  readonly configFile?: ConfigFile
  readonly all?: boolean
  readonly format: 'table' | 'json'
  readonly dryRun?: boolean
  readonly force?: boolean
  readonly now?: boolean
}

/** What the command line asks for. */
interface Request {
  readonly file: string | undefined
  readonly action: Action
  readonly query: LetterQuery
  readonly options: DlqOptions
}

export function dlqCommand(onEnd: (exitCode: ExitCode) => void): Command {
  return addBrokerOptions(new Command('dlq'))
    .description('look at the dead letters of operators with retry, replay and purge them')
    .argument('[file]', 'topology file, TypeScript or JavaScript')
    .argument('[action]', `what is done: ${ACTIONS.join(', ')}`)
    .argument('[letters...]', 'ids of letters, as list prints them')
    .addOption(applicationIdOption("which application (default: the file's, else the file name)"))
    .option('--set <name=value>', 'an argument of the topology (repeatable)', collectPairs)
    .option('--operator <name>', 'only letters of this operator')
    .option('--key <key>', 'only those of this key, as list prints it')
    .option('--error <text>', 'only those whose last error has this name, or this in its message')
    .addOption(new Option('--reason <reason>', 'only those given up for this reason').choices(LETTER_REASONS))
    .option(
      '--since <age or time>',
      'only those given up since: 30m, 2h, 7d, or 2026-01-31T12:00',
      parseMoment,
    )
    .option('--before <age or time>', 'only those given up before', parseMoment)
    .option('--all', 'list and show: also those that were replayed or purged')
    .option('--dry-run', 'replay and purge: only tell what would be done')
    .option('--force', 'replay and purge: also those that were replayed or purged before')
    .option('--now', 'replay: give the records the present time, so that windows behind take them')
    .addOption(
      new Option('--format <format>', 'how list prints them').choices(['table', 'json']).default('table'),
    )
    .addHelpText('after', EXAMPLES)
    .action(
      async (first: string | undefined, second: string | undefined, ids: string[], options: DlqOptions) => {
        const words = [first, second, ...ids].flatMap(word => word ?? [])
        onEnd(await exitCodeAfter(options.logLevel, () => dlq(requestOf(words, options))))
      },
    )
}

/** The file may be left out where the application is named. */
function requestOf(words: readonly string[], options: DlqOptions): Request {
  const hasFile = !isAction(words[0])
  const [action, ...ids] = hasFile ? words.slice(1) : words
  if (!isAction(action)) {
    throw new UsageError(
      'UNKNOWN_ACTION',
      `${action === undefined ? 'what is to be done is missing' : `"${action}" is no action`}: millrace dlq FILE ${ACTIONS.join('|')}`,
    )
  }
  const request = { file: hasFile ? words[0] : undefined, action, query: { ...options, ids }, options }
  checkRequest(request)
  return request
}

function isAction(word: string | undefined): word is Action {
  return (ACTIONS as readonly (string | undefined)[]).includes(word)
}

function checkRequest({ file, action, query, options }: Request): void {
  if (file === undefined && options.applicationId === undefined) {
    throw new UsageError(
      'APPLICATION_MISSING',
      `which application? Name its topology file (millrace dlq FILE ${action}), or --application-id`,
    )
  }
  if (action === 'show' && query.ids.length === 0) {
    throw new UsageError(
      'LETTER_MISSING',
      'show needs the id of a letter: millrace dlq FILE list prints them',
    )
  }
  if (action === 'purge' && asksForAll(query)) {
    throw new UsageError(
      'PURGE_UNBOUNDED',
      'purge without a choice would do away with every letter: name letters, or --operator, --key, --error, --reason, --since or --before',
    )
  }
  for (const [name, actions] of OPTION_USES) {
    if (options[name] === undefined || actions.includes(action)) continue
    const flag = name.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)
    throw new UsageError(
      'CONFLICTING_OPTIONS',
      `--${flag} is for ${actions.join(' and ')}, and this is ${action}`,
    )
  }
}

const OPTION_USES: readonly (readonly ['all' | 'dryRun' | 'force' | 'now', readonly Action[]])[] = [
  ['all', ['list', 'show']],
  ['dryRun', ['replay', 'purge']],
  ['force', ['replay', 'purge']],
  ['now', ['replay']],
]

async function dlq(request: Request): Promise<void> {
  const { file, options } = request
  const application =
    file === undefined ? undefined : await loadApplication({ ...options, file, set: options.set ?? [] })
  const applicationId = application?.config.applicationId ?? options.applicationId ?? ''
  const plan = application?.topology.plan(applicationId, planOptions(application.config))
  const stateDir = application?.config.stateDir ?? options.stateDir
  const text = new LetterText(plan?.subtopologies ?? [], application?.config ?? {})
  await withBroker({ ...options, ...(stateDir !== undefined && { stateDir }) }, async session => {
    const boxes = await findBoxes({
      applicationId,
      known: plan && letterBoxes(plan, application?.config),
      admin: session.admin,
    })
    await asUsage(() => answer(request, { applicationId, boxes, text, session }))
  })
}

interface Scene {
  readonly applicationId: string
  readonly boxes: readonly LetterBox[]
  readonly text: LetterText
  readonly session: Session
}

async function answer({ action, query, options }: Request, scene: Scene): Promise<void> {
  const { applicationId, boxes, text, session } = scene
  const { broker, admin, clock, ending, logger } = session
  const letters = new DeadLetters({
    ...{ applicationId, boxes, broker, clock, random: systemRandom, by: presentUser() },
    admin: () => Promise.resolve(admin),
    signal: ending.signal,
  })
  const filter = filterOf(query, text, clock)
  if (action === 'list') return list(letters.list(filter, options), text, options)
  if (action === 'show') return show(letters.list(filter, options), text, query.ids)
  const act = (how: ReplayOptions): Promise<LetterActionResult> =>
    action === 'replay' ? letters.replay(filter, how) : letters.purge(filter, how)
  await actOnLetters(act, { action, query, options, text, logger })
}

async function list(
  letters: AsyncGenerator<ListedLetter>,
  text: LetterText,
  { format, all = false }: DlqOptions,
): Promise<void> {
  try {
    // What the command line has wrong comes before a heading of nothing.
    const first = await letters.next()
    if (format === 'table') await print(painted('bold', LETTER_HEADING, process.stdout))
    for (let next = first; !next.done; next = await letters.next()) {
      const listed = next.value
      await print(format === 'table' ? text.row(listed, all) : `${JSON.stringify(text.plain(listed))}\n`)
    }
  } finally {
    await letters.return(undefined)
  }
}

async function show(
  letters: AsyncIterable<ListedLetter>,
  text: LetterText,
  ids: readonly string[],
): Promise<void> {
  const missing = new Set(ids)
  for await (const listed of letters) {
    missing.delete(listed.letter.id)
    await print(`${JSON.stringify(text.plain(listed), undefined, 2)}\n`)
  }
  if (missing.size === 0) return
  throw new UsageError(
    'UNKNOWN_LETTER',
    `there is no letter ${[...missing].join(', ')}: millrace dlq FILE list prints those there are, with --all those that were replayed`,
  )
}
