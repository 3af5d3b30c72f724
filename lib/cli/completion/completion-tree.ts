import type { Command, Option } from 'commander'

/** What can be completed behind one command; the whole tree as a list. */
export interface CompletionPoint {
  /** Names from the program's subcommands on, `topics list`; empty for the program itself. */
  readonly path: string
  readonly subcommands: readonly { readonly name: string; readonly description: string }[]
  /** What its argument may be; undefined where that is a file, or a name that only brokers know. */
  readonly choices: readonly string[] | undefined
  readonly options: readonly CompletionOption[]
}

export interface CompletionOption {
  /** `--brokers`. */
  readonly flag: string
  readonly description: string
  readonly takesValue: boolean
  /** Undefined where its value can be any. */
  readonly choices: readonly string[] | undefined
}

/** The program first. Hidden options and commands are left out. */
export function completionPoints(program: Command): readonly CompletionPoint[] {
  return pointsOf(program, '')
}

function pointsOf(command: Command, path: string): CompletionPoint[] {
  const help = command.createHelp()
  // `help <command>` comes from commander, which adds it while it parses.
  const commands = help.visibleCommands(command)
  const own: CompletionPoint = {
    path,
    subcommands: commands.map(each => ({ name: each.name(), description: each.description() })),
    choices: command.registeredArguments[0]?.argChoices,
    options: help.visibleOptions(command).flatMap(optionOf),
  }
  const below = commands.flatMap(each => pointsOf(each, path === '' ? each.name() : `${path} ${each.name()}`))
  return [own, ...below]
}

function optionOf(option: Option): CompletionOption[] {
  const { long, description, required, optional, argChoices } = option
  if (!long) return []
  return [{ flag: long, description, takesValue: required || optional, choices: argChoices }]
}
