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
  /** Numbers at the end of the letters' ids, one of which is the record's offset. */
  #offsets: ReadonlySet<number> = new Set()

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

  /** Whether a record of that offset may be among `letters`: asked of many, whose ids cost more to tell. */
  mayNameOffset(offset: number): boolean {
    return this.#letters.size > 0 && (offset < 0 || this.#offsets.has(offset))
  }

  /** Undefined: nothing any more. */
  set({ partition, key, letter }: ControlTarget, command: ControlCommand | undefined): void {
    if (letter !== undefined) this.#setLetter(letter, command)
    else if (key !== undefined) put(this.#keys, bytesToMapKey(key), command)
    else if (partition !== undefined) put(this.#partitions, partition, command)
    else this.#all = command
  }

  #setLetter(letter: string, command: ControlCommand | undefined): void {
    put(this.#letters, letter, command)
    this.#offsets = new Set([...this.#letters.keys()].flatMap(lastNumbers))
  }
}

/** The last is the offset, or the one before it where several calls were made for a record. */
function lastNumbers(letterId: string): number[] {
  return letterId.split('-').slice(-2).map(Number)
}

function put<K>(commands: Map<K, ControlCommand>, key: K, command: ControlCommand | undefined): void {
  if (command) commands.set(key, command)
  else commands.delete(key)
}
