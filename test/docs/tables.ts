import { readFileSync, writeFileSync } from 'node:fs'
import ts from 'typescript'
import { METRIC_CATALOGUE } from '../../lib/common/metrics/metric-catalogue.ts'
import { METRICS_ABSENT } from '../../lib/common/metrics/metrics-absent.ts'
import { failOnError } from '../../lib/processor/error-handlers.ts'
import type { RuntimeSettings } from '../../lib/runtime/plan/settings.ts'
import { resolveConfig } from '../../lib/streams/config.ts'
import { ROOT } from '../cli/built-cli.ts'
import { brokerCodesTable, errorCodesTable } from './error-tables.ts'
import { optionTables } from './option-tables.ts'
import { table } from './table.ts'

/** The pages whose tables are made from code. */
export const MADE = ['operations', 'error-codes', 'running-on-kafka', 'getting-started', 'command-line'].map(
  name => `${ROOT}/docs/${name}.md`,
)
const SETTINGS = `${ROOT}/lib/runtime/plan/settings.ts`

/** The page with its tables made anew: each stands between `<!-- NAME -->` and `<!-- end -->`. */
export function withTables(page: string): string {
  const tables: { readonly [name: string]: () => string } = {
    settings: settingsTable,
    metrics: metricsTable,
    'metrics of Kafka Streams that are not here': absentTable,
    'error codes': errorCodesTable,
    'answers of brokers': brokerCodesTable,
    options: optionTables,
    dockerfile: () => fileAs('dockerfile', 'templates/shared/_Dockerfile'),
    template: () => fileAs('ts', 'templates/minimal/src/app.ts'),
    'test of the template': () => fileAs('ts', 'templates/minimal/test/app.test.ts'),
  }
  return page.replace(
    /(<!-- ([\w ]+) -->\n)[^]*?(<!-- end -->)/g,
    (_, begin: string, name: string, end: string) => {
      const table = tables[name]
      if (!table) throw new Error(`there is no table "${name}"`)
      return `${begin}\n${table()}\n${end}`
    },
  )
}

function fileAs(language: string, path: string): string {
  return `\`\`\`${language}\n${readFileSync(`${ROOT}/${path}`, 'utf8').trimEnd()}\n\`\`\`\n`
}

function settingsTable(): string {
  const text = readFileSync(SETTINGS, 'utf8')
  const file = ts.createSourceFile(SETTINGS, text, ts.ScriptTarget.Latest, true)
  const settings = file.statements.find(
    (node): node is ts.InterfaceDeclaration =>
      ts.isInterfaceDeclaration(node) && node.name.text === 'RuntimeSettings',
  )
  const rows = settings!.members.map(member => {
    const name = (member.name as ts.Identifier).text
    const about = docOf(member)!.replace(DEFAULT, ' ').trim()
    return [`\`${name}\``, defaultOf(name), about.replace(/^[a-z]/, letter => letter.toUpperCase())]
  })
  return table(['setting', 'default', 'meaning'], rows)
}

function defaultOf(name: string): string {
  if (name === 'applicationId') return 'none: it must be set'
  const [byDefault, atLeastOnce] = [undefined, 'at-least-once' as const].map(guarantee => {
    const config = { applicationId: APPLICATION, ...(guarantee && { processingGuarantee: guarantee }) }
    return shown(resolveConfig(config)[name as keyof RuntimeSettings])
  })
  const isSame = name === 'processingGuarantee' || byDefault === atLeastOnce
  return isSame ? byDefault! : `${byDefault}; at-least-once: ${atLeastOnce}`
}

const APPLICATION = 'my-app'
const MIB = 1024 * 1024

function shown(value: unknown): string {
  if (value === undefined) return 'none'
  if (value === APPLICATION) return 'the application id'
  if (typeof value === 'function') return value === failOnError ? '`fail`' : `\`${value.name}\``
  if (typeof value === 'number' && value >= MIB && value % MIB === 0) return `${value / MIB} MiB`
  if (typeof value === 'number') return value.toLocaleString('en-GB')
  return `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``
}

/** The default has a column of its own. */
const DEFAULT = /\s*\bDefault:? (?:`[^`]*`|[^.`]*?)[.:]\s*/

function docOf(node: ts.Node): string | undefined {
  const [doc] = ts.getJSDocCommentsAndTags(node)
  const comment = doc && ts.isJSDoc(doc) ? ts.getTextOfJSDocComment(doc.comment) : undefined
  return comment?.replace(/\s*\n\s*/g, ' ')
}

/** Endings of a family stand in one row. */
function metricsTable(): string {
  const families = new Map<string, { group: string; names: string[]; level: string; about: string }>()
  for (const { group, name, level, about } of METRIC_CATALOGUE) {
    const [, base] = /^(.*?)(?:-(?:total|rate|avg|min|max))?$/.exec(name)!
    const key = `${group} ${base} ${level}`
    const family = families.get(key)
    if (family) family.names.push(name)
    else
      families.set(key, {
        group,
        names: [name],
        level,
        about: about.replace(/, a second$|: (mean|most|least)$/, ''),
      })
  }
  const rows = Array.from(families.values(), ({ group, names, level, about }) => [
    `\`${group}\``,
    names.map(name => `\`${name}\``).join(' '),
    level,
    about,
  ])
  return table(['group', 'names', 'level', 'meaning'], rows)
}

function absentTable(): string {
  const rows = METRICS_ABSENT.map(({ group, names, why }) => [
    `\`${group}\``,
    names.map(name => `\`${name}\``).join(' '),
    why,
  ])
  return table(['group', 'names', 'why'], rows)
}

if (process.argv[1] === import.meta.filename) {
  for (const page of MADE) writeFileSync(page, withTables(readFileSync(page, 'utf8')))
}
