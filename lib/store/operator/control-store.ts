import { assert, present } from '../../common/assert.ts'
import { utf8Text } from '../../common/bytes.ts'
import type { Counter } from '../../common/metrics/meter.ts'
import { METRIC_GROUPS } from '../../common/metrics/metrics.ts'
import type { ChangelogRecord, StateStore, StoreBuilder, StoreContext } from '../contract/state-store.ts'
import { decodeCommand, isFor, parseTarget, type ControlTarget } from './control-command.ts'
import { OperatorCommands } from './operator-commands.ts'

/** Name of the one store of commands that a topology has. */
export const CONTROL_STORE = 'millrace-control'
/** Topic of the commands, and of what has come of them: without the application's id. */
export const CONTROL_TOPIC = 'control'
export const CONTROL_AUDIT_TOPIC = 'control-audit'

const NONE = new OperatorCommands()

/**
 * The commands in effect, in every process: a global store over the topic of commands, in memory, read anew
 * at each start. Operators look at it on their tasks' own path; a listener only tells that there is something
 * to look at.
 *
 * What cannot be read is told, counted and then as if nothing had been said about its target: so a process
 * that starts later, when the topic is compacted, knows the same as one that has read it all.
 */
export class ControlStore implements StateStore {
  readonly name = CONTROL_STORE
  readonly uncommittedBytes = 0
  readonly #operators = new Map<string, OperatorCommands>()
  readonly #listeners = new Set<(operator: string) => void>()
  #context: StoreContext | undefined
  #unreadable: Counter | undefined

  /** What the operator has been told: live, and the same object only until the next change. */
  commandsFor(operator: string): OperatorCommands {
    return this.#operators.get(operator) ?? NONE
  }

  /** The listener is called after each change, with the operator it is about. Returns what takes it away. */
  onChange(listener: (operator: string) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  open(context: StoreContext): void {
    assert(this.#context === undefined, `store ${this.name} is open already`)
    this.#context = context
    const tags = { 'task-id': 'global', store: this.name }
    this.#unreadable = context.metrics.counter('control-unreadable-total', tags, METRIC_GROUPS.own)
  }

  /** A record of the topic of commands; null takes the command back. */
  apply(key: Uint8Array | null, value: Uint8Array | null): void {
    const text = key === null ? '' : utf8Text(key)
    const target = parseTarget(text)
    const command = value === null ? undefined : decodeCommand(value)
    const isReadable = target && (value === null || (command && isFor(command.do, target)))
    if (!isReadable) this.#tellUnreadable(text)
    if (target) this.#set(target, isReadable ? command : undefined)
  }

  async load(): Promise<void> {
    // The topic is read from its beginning.
  }

  restore(records: readonly ChangelogRecord[]): void {
    for (const { key, value } of records) this.apply(key, value)
  }

  flush(): void {
    // Nothing is held back.
  }

  prepareCommit(): void {
    // The topic has it all.
  }

  stage(): void {
    // As above.
  }

  staged(): void {
    // As above.
  }

  close(): void {
    this.#context = undefined
    this.#operators.clear()
    this.#listeners.clear()
  }

  #set(target: ControlTarget, command: ReturnType<typeof decodeCommand>): void {
    const { operator } = target
    let commands = this.#operators.get(operator)
    if (!commands) {
      if (!command) return
      this.#operators.set(operator, (commands = new OperatorCommands()))
    }
    commands.set(target, command)
    if (commands.isEmpty) this.#operators.delete(operator)
    for (const listener of [...this.#listeners]) listener(operator)
  }

  #tellUnreadable(target: string): void {
    const { logger, changelogTopic } = present(this.#context, 'context of the store of commands')
    present(this.#unreadable, 'counter of unreadable commands').add()
    logger.log(
      'warn',
      `a record in ${changelogTopic} is no command that this version knows: it is left alone`,
      {
        target,
      },
    )
  }
}

export function controlStoreBuilder(): StoreBuilder<ControlStore> {
  return {
    name: CONTROL_STORE,
    kind: 'store of commands',
    persistent: false,
    caching: false,
    changelog: undefined,
    build: () => new ControlStore(),
  }
}
