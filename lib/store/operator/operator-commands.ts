import { bytesToMapKey } from '../../common/bytes.ts'
import type { ControlCommand, ControlTarget } from './control-command.ts'

/** What one operator has been told, as it is now. */
export class OperatorCommands {
  /** For all of the operator. */
  #all: ControlCommand | undefined
  readonly #partitions = new Map<number, ControlCommand>()
  /** By the key's bytes (`bytesToMapKey`). */
  readonly #keys = new Map<string, ControlCommand>()
  readonly #letters = new Map<string, ControlCommand>()

  get isEmpty(): boolean {
    return this.#all === undefined && this.#partitions.size + this.#keys.size + this.#letters.size === 0
  }

  get all(): ControlCommand | undefined {
    return this.#all
  }

  get partitions(): ReadonlyMap<number, ControlCommand> {
    return this.#partitions
  }

  get keys(): ReadonlyMap<string, ControlCommand> {
    return this.#keys
  }

  get letters(): ReadonlyMap<string, ControlCommand> {
    return this.#letters
  }

  /** Undefined: nothing any more. */
  set({ partition, key, letter }: ControlTarget, command: ControlCommand | undefined): void {
    if (letter !== undefined) put(this.#letters, letter, command)
    else if (key !== undefined) put(this.#keys, bytesToMapKey(key), command)
    else if (partition !== undefined) put(this.#partitions, partition, command)
    else this.#all = command
  }
}

function put<K>(commands: Map<K, ControlCommand>, key: K, command: ControlCommand | undefined): void {
  if (command) commands.set(key, command)
  else commands.delete(key)
}
