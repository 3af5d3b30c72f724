import type { CompletionPoint } from './completion-tree.ts'

/**
 * Scripts that walk the words typed so far to the command they name, then offer its options, subcommands and
 * choices. Where nothing is known the shell offers files.
 */
export const COMPLETION_SCRIPTS = { bash, zsh, fish } as const

export type Shell = keyof typeof COMPLETION_SCRIPTS

/** Patterns of `case`, on the path so far and the next word, for what is a subcommand there. */
function steps(points: readonly CompletionPoint[]): string {
  return points
    .filter(({ path }) => path !== '')
    .map(({ path }) => `'${path.includes(' ') ? '' : ' '}${path}'`)
    .join('|')
}

/** The path is empty, or the names of the commands, one space between them. */
const walk = (points: readonly CompletionPoint[], first: string, last: string) => `
  for word in ${first}; do
    case "$at $word" in
      ${steps(points)}) if [ -n "$at" ]; then at="$at $word"; else at="$word"; fi ;;
    esac
  done
  case "$at|${last}" in
${values(points)}  esac
`

/** What comes behind an option that takes a value; a pattern each. */
function values(points: readonly CompletionPoint[]): string {
  return points
    .flatMap(({ path, options }) =>
      options.map(({ flag, takesValue, choices }) => {
        if (!takesValue) return ''
        return choices
          ? `    '${path}|${flag}') _millrace_add ${choices.join(' ')}; return ;;\n`
          : `    '${path}|${flag}') return ;;\n`
      }),
    )
    .join('')
}

function words({ subcommands, choices = [], options }: CompletionPoint): {
  readonly plain: string
  readonly flags: string
} {
  return {
    plain: [...subcommands.map(({ name }) => name), ...choices].join(' '),
    flags: options.map(({ flag }) => flag).join(' '),
  }
}

function offers(points: readonly CompletionPoint[]): string {
  return points
    .map(point => {
      const { plain, flags } = words(point)
      const offerPlain = plain === '' ? '' : ` *) _millrace_add ${plain} ;;`
      return `    '${point.path}') case "$current" in -*) _millrace_add ${flags} ;;${offerPlain} esac ;;\n`
    })
    .join('')
}

function bash(points: readonly CompletionPoint[]): string {
  return `# Completion of millrace for bash: source <(millrace completion bash)
_millrace_add() { COMPREPLY=($(compgen -W "$*" -- "$current")); }
_millrace() {
  local at='' word current="\${COMP_WORDS[COMP_CWORD]}" last="\${COMP_WORDS[COMP_CWORD-1]}"
  COMPREPLY=()
${walk(points, '"${COMP_WORDS[@]:1:COMP_CWORD-1}"', '$last')}  case "$at" in
${offers(points)}  esac
}
# Without an answer of ours: files.
complete -o default -F _millrace millrace
`
}

function zsh(points: readonly CompletionPoint[]): string {
  return `#compdef millrace
# Completion of millrace for zsh: source <(millrace completion zsh), behind compinit
_millrace_add() { added=1; compadd -- "$@"; }
_millrace() {
  local at='' word current="\${words[CURRENT]}" last="\${words[CURRENT-1]}" added=''
  _millrace_offer
  # Without an answer of ours: files.
  [[ -n "$added" ]] || _files
}
_millrace_offer() {
${walk(points, '"${(@)words[2,CURRENT-1]}"', '$last')}  case "$at" in
${offers(points)}  esac
}
compdef _millrace millrace
`
}

function fish(points: readonly CompletionPoint[]): string {
  const lines = points.flatMap(point => {
    const command = `complete -c millrace -n '__millrace_at "${point.path}"'`
    const subcommands = point.subcommands.map(
      ({ name, description }) => `${command} -f -a ${name} -d ${quoted(description)}`,
    )
    const choices = point.choices ? [`${command} -f -a ${quoted(point.choices.join(' '))}`] : []
    const options = point.options.map(({ flag, description, takesValue, choices: known }) => {
      const value = known ? ` -x -a ${quoted(known.join(' '))}` : takesValue ? ' -r' : ''
      return `${command} -l ${flag.slice(2)}${value} -d ${quoted(description)}`
    })
    return [...subcommands, ...choices, ...options]
  })
  return `# Completion of millrace for fish: millrace completion fish | source
function __millrace_at
  set -l at ''
  for word in (commandline -opc)[2..-1]
    switch "$at $word"
      case ${steps(points).replaceAll('|', ' ')}
        set at (string trim "$at $word")
    end
  end
  test "$at" = "$argv[1]"
end
${lines.join('\n')}
`
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}
