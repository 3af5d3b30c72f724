import { Argument, Command } from 'commander'
import { COMPLETION_SCRIPTS, type Shell } from '../completion/completion-scripts.ts'
import { completionPoints } from '../completion/completion-tree.ts'
import { exitCodeAfter, type ExitCode } from '../output/exit-code.ts'
import { print } from '../output/output.ts'

const EXAMPLES = `
Examples:
  source <(millrace completion bash)      in ~/.bashrc
  source <(millrace completion zsh)       in ~/.zshrc, behind compinit
  millrace completion fish > ~/.config/fish/completions/millrace.fish
`

export function completionCommand(onEnd: (exitCode: ExitCode) => void): Command {
  return new Command('completion')
    .description('print a script that completes commands and options in a shell')
    .addArgument(new Argument('<shell>').choices(Object.keys(COMPLETION_SCRIPTS)))
    .addHelpText('after', EXAMPLES)
    .action(async (shell: Shell, _: object, command: Command) => {
      const program = command.parent ?? command
      const script = COMPLETION_SCRIPTS[shell](completionPoints(program))
      onEnd(await exitCodeAfter('info', () => print(script)))
    })
}
