import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import ts from 'typescript'
import type { BrokerErrorClass } from '../../lib/broker/broker-error.ts'
import { brokerErrorFrom } from '../../lib/broker/kafka/classify-error.ts'
import { commands } from '../../lib/cli/command-line.ts'
import { ERROR_CODES } from '../../lib/common/error-codes.ts'
import { METRIC_CATALOGUE } from '../../lib/common/metric-catalogue.ts'
import { METRICS_ABSENT } from '../../lib/common/metrics-absent.ts'
import { resolveConfig } from '../../lib/streams/config.ts'
import { ROOT } from '../cli/built-cli.ts'

const read = (path: string) => readFileSync(join(ROOT, path), 'utf8')

/** What stands between `<!-- NAME -->` and `<!-- /NAME -->`, by page and name. */
export const PARTS: { readonly [page: string]: { readonly [name: string]: () => string } } = {
  'docs/operations.md': {
    settings: settingsTable,
    metrics: metricsTables,
    'metrics-absent': metricsAbsentTable,
    'error-codes': () => `${errorTables()}\n\n${brokerCodesTable()}`,
  },
  'docs/command-line.md': { options: optionTables },
  'docs/running-on-kafka.md': { dockerfile: () => code('dockerfile', 'templates/shared/_Dockerfile') },
  'docs/getting-started.md': {
    template: () => code('ts', 'templates/minimal/src/app.ts'),
    'template-test': () => code('ts', 'templates/minimal/test/app.test.ts'),
  },
}

/** A page's text with its parts as they should be. Throws where a marker is missing. */
export function rewritten(page: string): string {
  return Object.entries(PARTS[page]!).reduce((text, [name, make]) => {
    const [begin, end] = [`<!-- ${name} -->\n`, `<!-- /${name} -->`]
    const [from, to] = [text.indexOf(begin), text.indexOf(end)]
    if (from < 0 || to < from) throw new Error(`${page} has no markers ${begin.trim()} and ${end}`)
    return `${text.slice(0, from + begin.length)}\n${make()}\n\n${text.slice(to)}`
  }, read(page))
}

const code = (language: string, path: string) => `\`\`\`${language}\n${read(path).trimEnd()}\n\`\`\``

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(cell).join(' | ')} |`
  return [line(head), `|${'---|'.repeat(head.length)}`, ...rows.map(line)].join('\n')
}

/** A bar would end the cell, and what looks like an element of HTML would be one. */
function cell(text: string): string {
  const pieces = text.replaceAll('|', String.raw`\|`).split(/(`[^`]*`)/)
  return pieces.map(piece => (piece.startsWith('`') ? piece : piece.replaceAll('<', '&lt;'))).join('')
}

/** In the order in which their keys come first. */
function grouped<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const item of items) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item])
  return groups
}

const quoted = (text: string) => `\`${text}\``
const capitalised = (text: string) => text.replace(/^[a-z]/, letter => letter.toUpperCase())

const DEFAULT = /\s*\bDefault:? (?:`[^`]*`|[^.`]*?)[.:]\s*/

function settingsTable(): string {
  const path = 'lib/runtime/settings.ts'
  const source = ts.createSourceFile(path, read(path), ts.ScriptTarget.Latest, true)
  const settings = source.statements
    .filter(statement => ts.isInterfaceDeclaration(statement))
    .find(({ name }) => name.text === 'RuntimeSettings')!
  const rows = settings.members.map(member => {
    const name = member.name!.getText()
    const doc = ts
      .getJSDocCommentsAndTags(member)
      .map(each => ts.getTextOfJSDocComment(each.comment))
      .join(' ')
    // The default has a column of its own.
    const meaning = doc.replaceAll(/\s+/g, ' ').replace(DEFAULT, ' ').trim()
    return [quoted(name), defaultOf(name), capitalised(meaning)]
  })
  return table(['setting', 'default', 'meaning'], rows)
}

const APPLICATION = 'the application id'

function defaultOf(name: string): string {
  if (name === 'applicationId') return '– (must be given)'
  const settings = resolveConfig({ applicationId: 'application' })
  const other = resolveConfig({ applicationId: 'application', processingGuarantee: 'at-least-once' })
  const [text, atLeastOnce] = [settings, other].map(each => shown(each[name as keyof typeof each]))
  const isOwn = name === 'processingGuarantee' || text === atLeastOnce
  return isOwn ? text! : `${text}; at-least-once: ${atLeastOnce}`
}

const MIB = 1024 * 1024

function shown(value: unknown): string {
  if (value === undefined) return 'none'
  if (value === 'application') return APPLICATION
  if (typeof value === 'function') return value.name === 'failOnError' ? '`fail`' : quoted(value.name)
  if (typeof value === 'number' && value >= MIB && value % MIB === 0) return `${value / MIB} MiB`
  if (typeof value === 'number') return value.toLocaleString('en-GB')
  return quoted(typeof value === 'string' ? value : JSON.stringify(value))
}

const ENDING = /-(?:total|rate|avg|max|min)$/

function metricsTables(): string {
  const groups = grouped(METRIC_CATALOGUE, ({ group }) => group)
  const tables = [...groups].map(([group, metrics]) => {
    const families = grouped(metrics, ({ name, level }) => `${level} ${name.replace(ENDING, '')}`)
    const rows = [...families.values()].map(family => {
      const about = family[0]!.about.replace(/: (?:mean|least|most)$/, '')
      return [family.map(({ name }) => quoted(name)).join(' '), family[0]!.level, about]
    })
    return `### ${quoted(group)}\n\n${table(['name', 'level', 'meaning'], rows)}`
  })
  return tables.join('\n\n')
}

function metricsAbsentTable(): string {
  const rows = METRICS_ABSENT.map(({ group, names, why }) => [
    quoted(group),
    names.map(quoted).join(' '),
    capitalised(why),
  ])
  return table(['group', 'names', 'why'], rows)
}

function errorTables(): string {
  const areas = grouped(ERROR_CODES, ({ area }) => area)
  const tables = [...areas].map(([area, codes]) => {
    const rows = [...codes]
      .sort((left, right) => (left.code < right.code ? -1 : 1))
      .map(each => [quoted(each.code), each.cause, each.mend])
    return `### ${area}\n\n${table(['code', 'cause', 'what to do'], rows)}`
  })
  return tables.join('\n\n')
}

/** What an application does about an error of a broker, by its class. */
const CLASSES: { readonly [name in BrokerErrorClass]: string } = {
  retriable: 'The call is made again, with growing pauses.',
  abortable: 'The transaction is aborted, and its records are processed again.',
  fenced: 'Another producer has the transactional id: the application gives its tasks up and begins anew.',
  'task-migrated':
    'The group has moved on without this member: it drops what is not committed, and joins again.',
  'record-refused': '`productionErrorHandler` is asked.',
  'topic-missing':
    'The topic is waited for half a minute; then the application ends, or the handler is asked.',
  authorization: 'The application ends, naming the right.',
  authentication: 'A first start ends, a running application after a minute.',
  fatal: 'The client is finished; the application ends, but for what is told elsewhere on this page.',
}

/** The protocol's numbers; there are fewer, and those that are not there have a name with their number. */
const NUMBERS = Array.from({ length: 140 }, (_, at) => at + 1)

function brokerCodesTable(): string {
  const errors = NUMBERS.map(number => brokerErrorFrom({ code: number, message: '' } as never, 'reading'))
  const known = errors.filter(error => !error.code.startsWith('KAFKA_'))
  const codesOf = (name: string) =>
    known.filter(error => error.class === name).map(error => quoted(error.code))
  const rows = Object.entries(CLASSES).map(([name, what]) => [quoted(name), what, codesOf(name).join(' ')])
  return [
    '### Answers of brokers',
    "A `BrokerError` has the name of the error in Kafka's protocol as its `code`, and a `class` that says what is done about it.",
    table(['class', 'what happens', 'codes'], rows),
  ].join('\n\n')
}

function optionTables(): string {
  return tablesOf(
    commands(() => undefined),
    'millrace',
  ).join('\n\n')
}

function tablesOf(command: Command, path: string): string[] {
  const help = command.createHelp()
  const below = help.visibleCommands(command).filter(each => each.name() !== 'help')
  const rows = help
    .visibleOptions(command)
    .filter(({ long }) => long !== '--help' && long !== '--version')
    .map(option => [quoted(option.flags), help.optionDescription(option)])
  const inner = below.flatMap(each => tablesOf(each, `${path} ${each.name()}`))
  if (rows.length === 0) return inner
  return [`### \`${path}\`\n\n${table(['option', 'meaning'], rows)}`, ...inner]
}
