import { Command } from 'commander'
import { compareCommand } from './compare/command.ts'
import { costCommand } from './cost/command.ts'
import { engineCommand } from './engine-command.ts'

await new Command('bench')
  .description('Measures; checks that what came out is right.')
  .addCommand(engineCommand(), { isDefault: true })
  .addCommand(compareCommand())
  .addCommand(costCommand())
  .parseAsync()
