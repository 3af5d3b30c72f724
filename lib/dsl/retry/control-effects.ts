import type { ControlCommand, ControlTarget } from '../../store/operator/control-command.ts'
import type { OperatorCommands } from '../../store/operator/operator-commands.ts'

/** What commands know a record of an operator by. The getters cost something, so they are asked last. */
export interface ControlledItem {
  /** Of the task. */
  readonly partition: number
  /** The key's bytes (`bytesToMapKey`); undefined: none. */
  readonly mapKey: string | undefined
  readonly letterId: string
  /** Of the source record. */
  readonly offset: number
  readonly hasFailed: boolean
}

/** A command, and what it is about. */
export interface AppliedCommand {
  readonly target: Omit<ControlTarget, 'operator' | 'key'> & { readonly mapKey?: string }
  readonly command: ControlCommand
}

/** What becomes of a record that is not being called: nothing, or a dead letter for this reason. */
export type ControlEffect = 'held' | 'skipped' | 'ignored'

/** The most specific command about the record: about itself, its key, its partition, its operator. */
export function commandOn(commands: OperatorCommands, item: ControlledItem): AppliedCommand | undefined {
  if (commands.isEmpty) return undefined
  return ofLetter(commands, item) ?? ofKey(commands, item) ?? ofPlace(commands, item)
}

/** Undefined: it may be called. */
export function effectOn(commands: OperatorCommands, item: ControlledItem): ControlEffect | undefined {
  switch (commandOn(commands, item)?.command.do) {
    case 'pause':
      return 'held'
    case 'skip':
      return 'skipped'
    case 'ignore':
      return item.hasFailed ? 'ignored' : undefined
    case undefined:
      return undefined
  }
}

/** Whether a command may make letters of what waits. */
export function mayEndWaiting({ all, partitions, keys, letters }: OperatorCommands): boolean {
  if (letters.size > 0 || all?.do === 'ignore') return true
  return [...partitions.values(), ...keys.values()].some(command => command.do === 'ignore')
}

function ofLetter(commands: OperatorCommands, item: ControlledItem): AppliedCommand | undefined {
  if (!commands.mayNameOffset(item.offset)) return undefined
  const letter = item.letterId
  const command = commands.letters.get(letter)
  return command && { target: { letter }, command }
}

function ofKey({ keys }: OperatorCommands, item: ControlledItem): AppliedCommand | undefined {
  if (keys.size === 0) return undefined
  const { mapKey } = item
  const command = mapKey === undefined ? undefined : keys.get(mapKey)
  return command && mapKey !== undefined ? { target: { mapKey }, command } : undefined
}

function ofPlace(
  { partitions, all }: OperatorCommands,
  { partition }: ControlledItem,
): AppliedCommand | undefined {
  const command = partitions.get(partition)
  if (command) return { target: { partition }, command }
  return all && { target: {}, command: all }
}
