import type { Command } from 'commander'
import { commands } from '../../lib/cli/command-line.ts'
import { table } from './table.ts'

/** The options of every command, as its help has them. */
export function optionTables(): string {
  return tablesOf(
    commands(() => undefined),
    'millrace',
  ).join('\n')
}

function tablesOf(command: Command, path: string): string[] {
  const help = command.createHelp()
  const below = help.visibleCommands(command).filter(each => each.name() !== 'help')
  const rows = help
    .visibleOptions(command)
    .filter(({ long }) => long !== '--help' && long !== '--version')
    .map(option => [`\`${option.flags}\``, help.optionDescription(option)])
  const inner = below.flatMap(each => tablesOf(each, `${path} ${each.name()}`))
  if (rows.length === 0) return inner
  return [`### \`${path}\`\n\n${table(['option', 'meaning'], rows)}`, ...inner]
}
