import { Command } from 'commander'
import { compareCommand } from './compare/command.ts'
import { costCommand } from './cost/command.ts'
import { engineCommand } from './engine-command.ts'
import { socketsCommand } from './sockets/command.ts'
import { keyValueCommand } from './key-value/command.ts'
import { projectionCommand } from './projection/command.ts'
import { readsCommand } from './reads/command.ts'
import { waitsCommand } from './waits/command.ts'

const program = new Command('bench')
  .description('Measures; checks that what came out is right.')
  .addCommand(engineCommand(), { isDefault: true })
  .addCommand(compareCommand())
  .addCommand(costCommand())
  .addCommand(waitsCommand())
  .addCommand(socketsCommand())
  .addCommand(keyValueCommand())
  .addCommand(projectionCommand())
  .addCommand(readsCommand())
for (const command of program.commands) {
  // A wrong command line is told from a wrong result.
  command.exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
}
await program.parseAsync()
