import type { Admin, Broker, OutgoingRecord } from '../../broker/broker.ts'
import { BrokerError } from '../../broker/broker-error.ts'
import { readTopic } from '../../broker/open/read-topic.ts'
import {
  TransactionalWriter,
  type TransactionalWriterOptions,
} from '../../broker/open/transactional-writer.ts'
import { utf8, utf8Text } from '../../common/bytes.ts'
import type { Clock } from '../../common/clock.ts'
import { ConfigError, StreamsError } from '../../common/errors/errors.ts'
import { NO_HEADERS } from '../../common/headers.ts'
import { letterTopic } from '../../dsl/retry/retry-letters.ts'
import { SerdePendingError } from '../../serde/serde-pending-error.ts'
import {
  decodeCommand,
  decodeEvent,
  encodeCommand,
  encodeEvent,
  isFor,
  parseTarget,
  targetText,
  type ControlAction,
  type ControlCommand,
  type ControlEvent,
  type ControlTarget,
} from '../../store/operator/control-command.ts'
import { CONTROL_AUDIT_TOPIC, CONTROL_TOPIC } from '../../store/operator/control-store.ts'
import type { ControlTargets, LetterTarget, OperatorTarget } from './control-targets.ts'

export interface ControlClientOptions {
  readonly applicationId: string
  readonly targets: ControlTargets
  readonly broker: Broker
  readonly admin: () => Promise<Admin>
  readonly clock: Clock
  /** Who commands, unless a command says otherwise. */
  readonly by: string
}

export interface CommandOptions {
  /** Why, for whoever asks later. Default: nothing. */
  readonly reason?: string | undefined
  /** Who says so. Default: the client's. */
  readonly by?: string | undefined
}

/** What a command, or an entry of the history, is about. */
export interface ListedTarget {
  readonly operator: string
  readonly partition?: number | undefined
  /** As the operator gets it; its bytes where they cannot be read. */
  readonly key?: unknown
  readonly letter?: string | undefined
}

/** A command that is in effect. */
export interface ListedCommand extends ControlCommand {
  readonly target: ListedTarget
}

/** A command that was given, or what a task has done with a record because of one. */
export interface ListedEvent extends ControlEvent {
  readonly target: ListedTarget
}

/** How often a write is begun again that others have fenced. */
const ATTEMPTS = 10
const PAUSE_MS = 50
const HISTORY_DEFAULT = 100

/**
 * Pauses, resumes, skips and ignores what operators with retry do, in all processes of an application,
 * wherever this one runs. A command and its entry in the audit are one transaction.
 *
 * Of two who command at once the later one fences the earlier, who begins again: both are heard, one after
 * the other. A command says what is to be, so giving it twice is giving it once.
 */
export class ControlClient {
  readonly #options: ControlClientOptions

  constructor(options: ControlClientOptions) {
    this.#options = options
  }

  /** Operators that take commands. */
  get operators(): readonly string[] {
    return this.#options.targets.operators
  }

  /**
   * Nothing of the target is called until it is resumed: what comes waits. A call under way ends. Resolves
   * when that is committed, with the command that was in effect for the target before. Throws
   * `UNKNOWN_OPERATOR`, `UNKNOWN_PARTITION` and `CONTROL_TOPIC_MISSING`.
   */
  async pause(target: OperatorTarget, options: CommandOptions = {}): Promise<ListedCommand | undefined> {
    return this.#command('pause', target, options)
  }

  /** From now on what fails, or has failed already and waits, is a dead letter at once. As `pause`. */
  async ignore(target: OperatorTarget, options: CommandOptions = {}): Promise<ListedCommand | undefined> {
    return this.#command('ignore', target, options)
  }

  /**
   * Makes a dead letter of a record that waits, without another call; where one is under way, of its failure.
   * As `pause`.
   */
  async skip(target: LetterTarget, options: CommandOptions = {}): Promise<ListedCommand | undefined> {
    return this.#command('skip', target, options)
  }

  /**
   * Takes back what was said about exactly this target. Resolves with the command; undefined where there was
   * none: then nothing is written.
   */
  async resume(
    target: OperatorTarget | LetterTarget,
    options: CommandOptions = {},
  ): Promise<ListedCommand | undefined> {
    return this.#command('resume', target, options)
  }

  /** The commands in effect, by operator. */
  async list(): Promise<ListedCommand[]> {
    const commands = await this.#read()
    return [...commands.values()].sort((left, right) => byText(left.target.operator, right.target.operator))
  }

  /** The last commands and what tasks have done because of them, oldest first. */
  async history({ limit = HISTORY_DEFAULT }: { readonly limit?: number } = {}): Promise<ListedEvent[]> {
    if (!(Number.isSafeInteger(limit) && limit >= 1)) {
      throw new TypeError(`limit is ${limit}: it must be a whole number of at least 1`)
    }
    const events: ListedEvent[] = []
    for await (const { key, value } of this.#records(CONTROL_AUDIT_TOPIC)) {
      const target = parseTarget(key)
      const event = value && decodeEvent(value)
      if (target && event) events.push({ ...event, target: this.#listed(target) })
      if (events.length >= 2 * limit) events.splice(0, limit)
    }
    return events.slice(-limit)
  }

  async #command(
    action: ControlAction | 'resume',
    wanted: OperatorTarget | LetterTarget,
    { reason = '', by = this.#options.by }: CommandOptions,
  ): Promise<ListedCommand | undefined> {
    const { targets } = this.#options
    // What was said about an operator that the topology has not got any more can be taken back.
    const mayBeGone = action === 'resume'
    const target = await this.#resolve(wanted, { mayBeGone })
    await this.#checkPlace(target)
    const before = (await this.#read()).get(targetText(target))
    if (action === 'resume' && !before) {
      targets.keysOf(target.operator)
      return undefined
    }
    await this.#write(target, { do: action, reason, by, at: this.#options.clock.nowMs() })
    return before
  }

  /** A serde may have to fetch its schema first. */
  async #resolve(
    wanted: OperatorTarget | LetterTarget,
    options: { readonly mayBeGone: boolean },
  ): Promise<ControlTarget> {
    for (;;) {
      try {
        return this.#options.targets.resolve(wanted, options)
      } catch (error) {
        if (!(error instanceof SerdePendingError)) throw error
        await error.settled
      }
    }
  }

  async #checkPlace({ operator, partition }: ControlTarget): Promise<void> {
    const { applicationId, admin } = this.#options
    const control = this.#topic(CONTROL_TOPIC)
    const letters = this.#topic(letterTopic(operator))
    const topics = await (await admin()).describeTopics([control, letters, this.#topic(CONTROL_AUDIT_TOPIC)])
    if (!topics.has(control) || !topics.has(this.#topic(CONTROL_AUDIT_TOPIC))) {
      throw new StreamsError(
        'CONTROL_TOPIC_MISSING',
        `the topics ${control} and ${this.#topic(CONTROL_AUDIT_TOPIC)} are not there: ${applicationId} makes them when it starts. Start it once, then command`,
      )
    }
    const count = topics.get(letters)?.partitionCount
    if (partition === undefined || count === undefined || partition < count) return
    throw new ConfigError(
      'UNKNOWN_PARTITION',
      `${operator} has no partition ${partition}: it has ${count === 1 ? 'partition 0 only' : `partitions 0 to ${count - 1}`}`,
    )
  }

  async #write(target: ControlTarget, event: ControlEvent): Promise<void> {
    const key = utf8(targetText(target))
    const { do: action } = event
    const value = action === 'resume' ? null : encodeCommand({ ...event, do: action })
    const place = { partition: 0, key, timestamp: event.at, headers: NO_HEADERS }
    const records = [
      { ...place, topic: this.#topic(CONTROL_TOPIC), value },
      { ...place, topic: this.#topic(CONTROL_AUDIT_TOPIC), value: encodeEvent(event) },
    ]
    const { broker, clock } = this.#options
    const transactionalId = this.#topic(CONTROL_TOPIC)
    const opening = { broker, clock, transactionalId, clientId: transactionalId }
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await writeAll(records, opening)
      } catch (error) {
        if (attempt === ATTEMPTS || !mayTryAgain(error)) throw error
        await clock.sleep(PAUSE_MS)
      }
    }
  }

  async #read(): Promise<Map<string, ListedCommand>> {
    const commands = new Map<string, ListedCommand>()
    for await (const { key, value } of this.#records(CONTROL_TOPIC)) {
      const target = parseTarget(key)
      const command = value && decodeCommand(value)
      if (!target || !command || !isFor(command.do, target)) commands.delete(key)
      else commands.set(key, { ...command, target: this.#listed(target) })
    }
    return commands
  }

  async *#records(
    topic: string,
  ): AsyncGenerator<{ readonly key: string; readonly value: Uint8Array | null }> {
    const { broker, admin } = this.#options
    const reading = { broker, admin: await admin(), clientId: 'millrace-control' }
    for await (const { records } of readTopic(this.#topic(topic), reading))
      for (const { key, value } of records) yield { key: key ? utf8Text(key) : '', value }
  }

  #listed(target: ControlTarget): ListedTarget {
    const { operator, partition, letter } = target
    return {
      operator,
      ...(partition !== undefined && { partition }),
      ...(target.key && { key: this.#options.targets.keyOf(target) }),
      ...(letter !== undefined && { letter }),
    }
  }

  #topic(name: string): string {
    return `${this.#options.applicationId}-${name}`
  }
}

async function writeAll(
  records: readonly OutgoingRecord[],
  opening: TransactionalWriterOptions,
): Promise<void> {
  const writer = await TransactionalWriter.open(opening)
  try {
    await writer.write(records)
  } finally {
    await writer.close()
  }
}

function mayTryAgain(error: unknown): boolean {
  return error instanceof BrokerError && ['fenced', 'retriable', 'abortable'].includes(error.class)
}

function byText(left: string, right: string): number {
  return left < right ? -1 : Number(left > right)
}
