import { Argument, Command, InvalidArgumentError, Option } from 'commander'
import { readLetters } from '../../patterns/letters/read-letters.ts'
import type { Letter } from '../../processor/letter.ts'
import { nearest } from '../../streams/nearest-name.ts'
import type { TopologyPlan } from '../../topology/plan.ts'
import { isWanted, LETTER_REASONS, type LetterFilter } from '../letters/letter-filter.ts'
import { LETTER_HEADING, LetterText } from '../letters/letter-text.ts'
import type { ConfigFile } from '../options/config-file.ts'
import { collectPairs, parseTime, type Pair } from '../options/option-values.ts'
import { addBrokerOptions, applicationIdOption, type BrokerOptions } from '../options/shared-options.ts'
import { painted } from '../output/colours.ts'
import { exitCodeAfter, UsageError, type ExitCode } from '../output/exit-code.ts'
import { print } from '../output/output.ts'
import { withBroker, type Session } from '../run/broker-session.ts'
import { loadApplication, type Application } from '../run/job.ts'

const EXAMPLES = `
Dead letters of operators with retry, by the topology file, which gives the application and its serdes. list prints one line a
letter, show all that is known of one. Nothing is committed or changed. A key or value that its serde cannot read is printed as
text, or as { "base64": … }.

Examples:
  millrace dlq renewals.ts list
  millrace dlq renewals.ts list --operator charge --key u7 --since 2h
  millrace dlq renewals.ts list --error CardDeclined --format json | jq -r .id
  millrace dlq renewals.ts show renewals-3-1841
`

interface DlqOptions extends BrokerOptions, Omit<LetterFilter, 'sinceMs'> {
  readonly applicationId?: string
  readonly set?: readonly Pair[]
  readonly configFile?: ConfigFile
  readonly operator?: string
  readonly since?: { readonly ageMs: number } | { readonly timeMs: number }
  readonly format: 'table' | 'json'
}

const UNITS_MS: { readonly [unit: string]: number } = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

export function dlqCommand(onEnd: (exitCode: ExitCode) => void): Command {
  return addBrokerOptions(new Command('dlq'))
    .description('look at the dead letters of operators with retry')
    .argument('<file>', 'topology file, TypeScript or JavaScript')
    .addArgument(new Argument('<action>', 'what is done').choices(['list', 'show']))
    .argument('[letter]', 'show: the id of the letter, as list prints it')
    .addOption(applicationIdOption("which application (default: the file's, else the file name)"))
    .option('--set <name=value>', 'an argument of the topology (repeatable)', collectPairs)
    .option('--operator <name>', 'only letters of this operator')
    .option('--key <key>', 'only those of this key, as list prints it')
    .option('--error <text>', 'only those whose last error has this name, or this in its message')
    .addOption(new Option('--reason <reason>', 'only those given up for this reason').choices(LETTER_REASONS))
    .option(
      '--since <age or time>',
      'only those given up since: 30m, 2h, 7d, or 2026-01-31T12:00',
      parseSince,
    )
    .addOption(
      new Option('--format <format>', 'how list prints them').choices(['table', 'json']).default('table'),
    )
    .addHelpText('after', EXAMPLES)
    .action(async (file: string, action: string, letter: string | undefined, options: DlqOptions) => {
      onEnd(await exitCodeAfter(options.logLevel, () => dlq(file, { action, letter }, options)))
    })
}

function parseSince(text: string): { ageMs: number } | { timeMs: number } {
  const [, count, unit = ''] = /^(\d+)([smhd])$/.exec(text) ?? []
  if (count !== undefined) return { ageMs: Number(count) * (UNITS_MS[unit] ?? 0) }
  const timeMs = parseTime(text)
  if (timeMs !== undefined) return { timeMs }
  throw new InvalidArgumentError(
    'It must be an age such as 30m, 2h or 7d, or a time such as 2026-01-31T12:00.',
  )
}

async function dlq(
  path: string,
  { action, letter }: { readonly action: string; readonly letter: string | undefined },
  options: DlqOptions,
): Promise<void> {
  if (action === 'show' && letter === undefined) {
    throw new UsageError(
      'LETTER_MISSING',
      'show needs the id of a letter: millrace dlq FILE list prints them',
    )
  }
  if (action === 'list' && letter !== undefined) {
    throw new UsageError('CONFLICTING_OPTIONS', `list takes no letter: millrace dlq ${path} show ${letter}`)
  }
  const application = await loadApplication({ ...options, file: path, set: options.set ?? [] })
  const letters = lettersOf(application, options)
  const { stateDir } = application.config
  await withBroker({ ...options, stateDir }, async session => {
    if (letter === undefined) await list(letters, options, session)
    else await show(letter, letters, session)
  })
}

interface Letters {
  readonly text: LetterText
  /** Those that are asked for. */
  read(session: Session): AsyncGenerator<Letter>
}

async function list({ text, read }: Letters, { format }: DlqOptions, session: Session): Promise<void> {
  if (format === 'table') await print(painted('bold', LETTER_HEADING, process.stdout))
  for await (const letter of read(session))
    await print(format === 'table' ? text.row(letter) : `${JSON.stringify(text.plain(letter))}\n`)
}

async function show(id: string, { text, read }: Letters, session: Session): Promise<void> {
  let found = false
  for await (const letter of read(session)) {
    if (letter.id !== id) continue
    found = true
    await print(`${JSON.stringify(text.plain(letter), undefined, 2)}\n`)
  }
  if (found) return
  throw new UsageError(
    'UNKNOWN_LETTER',
    `there is no letter ${id}: millrace dlq FILE list prints those there are`,
  )
}

/** Throws a `UsageError` for what the topology does not have. */
function lettersOf({ topology, config }: Application, options: DlqOptions): Letters {
  const plan = topology.plan(config.applicationId)
  const text = new LetterText(plan, config)
  const topics = topicsOf(plan, options.operator)
  const { key, error, reason, since } = options
  return {
    text,
    async *read({ broker, admin, ending, clock }) {
      const sinceMs = since && ('ageMs' in since ? clock.nowMs() - since.ageMs : since.timeMs)
      for (const topic of topics)
        for await (const { letter } of readLetters(topic, { broker, admin, signal: ending.signal }))
          if (isWanted(letter, text.keyText(letter), { key, error, reason, sinceMs })) yield letter
    },
  }
}

/** Topics of letters. Throws a `UsageError` where no operator has any, or none is called so. */
function topicsOf({ applicationId, subtopologies }: TopologyPlan, operator: string | undefined): string[] {
  const names = subtopologies.flatMap(({ nodes }) =>
    nodes.flatMap(node => (node.kind === 'processor' && node.ownTopics ? [node.name] : [])),
  )
  if (names.length === 0) {
    throw new UsageError(
      'NO_OPERATOR_WITH_RETRY',
      `no operator of ${applicationId} has retry: there are no dead letters of operators`,
    )
  }
  if (operator !== undefined && !names.includes(operator)) {
    const guess = nearest(operator, names)
    const hint = guess === undefined ? `it has ${names.join(', ')}` : `did you mean ${guess}?`
    throw new UsageError(
      'UNKNOWN_OPERATOR',
      `--operator ${operator}: no operator with retry is called so; ${hint}`,
    )
  }
  return names
    .filter(name => operator === undefined || name === operator)
    .map(name => `${applicationId}-${name}-dlq`)
}
