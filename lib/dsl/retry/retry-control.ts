import { bytesToMapKey, mapKeyToBytes, utf8 } from '../../common/bytes.ts'
import { Fifo } from '../../common/fifo.ts'
import { NO_HEADERS } from '../../common/headers.ts'
import { parseTaskId } from '../../common/ids.ts'
import type { RecordContext } from '../../common/record-context.ts'
import type { LetterReason } from '../../processor/letter.ts'
import type { DeferringContext } from '../../processor/deferred-work.ts'
import { encodeEvent, targetText, type ControlTarget } from '../../store/operator/control-command.ts'
import {
  CONTROL_AUDIT_TOPIC,
  CONTROL_STORE,
  CONTROL_TOPIC,
  type ControlStore,
} from '../../store/operator/control-store.ts'
import type { OperatorCommands } from '../../store/operator/operator-commands.ts'
import {
  commandOn,
  effectOn,
  mayEndWaiting,
  type AppliedCommand,
  type ControlEffect,
  type ControlledItem,
} from './control-effects.ts'
import type { RetryCall } from './retry-call.ts'
import type { RetryQueue } from './retry-queue.ts'

/** For what reason a record becomes a dead letter on somebody's word. */
export type ControlReason = Exclude<ControlEffect, 'held'>

export interface RetryControlOptions<C extends RetryCall> {
  readonly operator: string
  readonly context: DeferringContext
  readonly queue: RetryQueue<C>
  readonly wake: () => void
  /** Whether the lane of a record is its key. */
  readonly lanesAreKeys: boolean
}

/**
 * What one operator in one task does about its commands. A change only wakes the task: what follows from it
 * is work of the task's own path, one record at a time, so that a letter, what takes its command back and the
 * entry of the audit are in one transaction with the record's end.
 *
 * Faults. A command twice: the second finds nothing to do; a record is named, never the next one. Late: the
 * record has left meanwhile, and the command waits for a record of that id, which `resume` takes back. Never:
 * the record is called as ever. An abort, or a crash, before the commit: the record and its command are both
 * there still, and it is done again. A process that stands still: what it has not committed is refused when
 * it goes on, and the task's next owner reads the commands before it starts. Under at-least-once letter, end
 * of the command and entry may come twice, or the end of the command alone: then the record is called.
 */
export class RetryControl<C extends RetryCall> {
  readonly #options: RetryControlOptions<C>
  readonly #context: DeferringContext
  readonly #queue: RetryQueue<C>
  readonly #store: ControlStore
  readonly #partition: number
  readonly #unsubscribe: () => void
  /** Whether commands have changed, and what waits has not been looked at since. */
  #hasChanged: boolean
  /** Whether there is any command: most days there is none, and this is asked for every record. */
  #isSaid: boolean
  /** Records that are to become letters, each of which is held, or behind another. */
  readonly #named = new Fifo<C>()

  constructor(options: RetryControlOptions<C>) {
    const { operator, context, queue, wake } = options
    this.#options = options
    this.#context = context
    this.#queue = queue
    this.#partition = parseTaskId(context.taskId).partition
    this.#store = context.getStateStore<ControlStore>(CONTROL_STORE)
    this.#isSaid = !this.#commands.isEmpty
    this.#hasChanged = this.#isSaid
    this.#unsubscribe = this.#store.onChange(changed => {
      if (changed !== operator) return
      this.#isSaid = !this.#commands.isEmpty
      this.#hasChanged = true
      wake()
    })
  }

  /** Whether there is something to do on the task's path. */
  get isPending(): boolean {
    return this.#hasChanged || this.#named.size > 0
  }

  /** What is done next is done as a part of this. */
  get nextContext(): RecordContext {
    const next = this.#hasChanged ? undefined : this.#named.peek()
    if (next) return next.input.context
    const timestamp = this.#context.currentSystemTimeMs()
    return { topic: undefined, partition: -1, offset: -1, timestamp, headers: NO_HEADERS }
  }

  /**
   * Looks at what waits, if commands have changed; else returns a record that leaves the queue with this as a
   * dead letter.
   */
  take(): { readonly call: C; readonly reason: ControlReason } | undefined {
    if (this.#hasChanged) {
      this.#look()
      return undefined
    }
    const call = this.#named.shift()
    // The command may have been taken back since it was named, or the record may have left.
    const reason = call && isStopped(call) ? this.#endOf(call) : undefined
    if (!call || !reason) return undefined
    this.#queue.remove(call)
    return { call, reason }
  }

  /** Holds those at the front of the ready that may not be called. */
  holdReady(): void {
    if (!this.#isSaid) return
    for (let next = this.#queue.nextReady; next; next = this.#queue.nextReady) {
      const effect = this.#effectOn(next)
      if (!effect) return
      this.#queue.holdNext()
      if (effect === 'held') continue
      this.#named.push(next)
      this.#options.wake()
    }
  }

  /** For what reason a record whose call has failed is given up on somebody's word. */
  reasonOfFailed(call: C): ControlReason | undefined {
    const action = this.#commandOn(call)?.command.do
    if (action === 'skip') return 'skipped'
    return action === 'ignore' ? 'ignored' : undefined
  }

  /** Why a record is given up whose calls have not failed. */
  errorFor(call: C): SkippedError {
    const { by = '', reason = '' } = this.#commandOn(call)?.command ?? {}
    return new SkippedError(reason === '' ? `by ${by}` : `by ${by}: ${reason}`)
  }

  /** The record is given up for this reason, in the present transaction. */
  gaveUp(call: C, reason: LetterReason): void {
    const applied = this.#commandOn(call)
    const action = applied?.command.do
    if (!applied || !(action === 'skip' || (action === 'ignore' && reason === 'ignored'))) return
    this.#tell(applied, call, 'letter')
  }

  /** The record's call has succeeded: a command to skip it comes too late. */
  succeeded(call: C): void {
    const applied = this.#commandOn(call)
    if (applied?.command.do === 'skip') this.#tell(applied, call, 'output')
  }

  close(): void {
    this.#unsubscribe()
  }

  get #commands(): OperatorCommands {
    return this.#store.commandsFor(this.#options.operator)
  }

  /** Releases what may be called again, and names what is to become a letter. */
  #look(): void {
    this.#hasChanged = false
    const nowMs = this.#context.clock.nowMs()
    this.#queue.release(call => this.#effectOn(call) === undefined, nowMs)
    if (!mayEndWaiting(this.#commands)) return
    const isNamed = (call: C) => this.#endOf(call) !== undefined
    this.#queue.holdWhere(isNamed)
    for (const call of this.#queue.stoppedWhere(isNamed)) this.#named.push(call)
  }

  /** A command about the record alone has done its work, and is taken back. */
  #tell(applied: AppliedCommand, call: C, became: 'letter' | 'output'): void {
    const { taskId: task, clock, applicationId } = this.#context
    const { do: action, reason, by } = applied.command
    const target = targetText(this.#targetOf(applied))
    const effect = { letter: call.letterId, became, task }
    const event = encodeEvent({ do: action, reason, by, at: clock.nowMs(), effect })
    if (action === 'skip') this.#send(`${applicationId}-${CONTROL_TOPIC}`, target, null)
    this.#send(`${applicationId}-${CONTROL_AUDIT_TOPIC}`, target, event)
    this.#context.commit()
  }

  /** Undefined: a record that waits does not become a letter. */
  #endOf(call: C): ControlReason | undefined {
    const effect = this.#effectOn(call)
    return effect === 'held' ? undefined : effect
  }

  #effectOn(call: C): ControlEffect | undefined {
    return this.#isSaid ? effectOn(this.#commands, this.#itemOf(call)) : undefined
  }

  #commandOn(call: C): AppliedCommand | undefined {
    return this.#isSaid ? commandOn(this.#commands, this.#itemOf(call)) : undefined
  }

  #itemOf(call: C): ControlledItem {
    const { lanesAreKeys } = this.#options
    return {
      partition: this.#partition,
      hasFailed: call.failed !== undefined,
      offset: call.offset,
      get mapKey() {
        if (lanesAreKeys) return call.lane
        const { key } = call.input
        return key === null ? undefined : bytesToMapKey(key)
      },
      get letterId() {
        return call.letterId
      },
    }
  }

  #targetOf({ target }: AppliedCommand): ControlTarget {
    const { mapKey, partition, letter } = target
    const key = mapKey === undefined ? undefined : mapKeyToBytes(mapKey)
    return { operator: this.#options.operator, key, partition, letter }
  }

  #send(topic: string, target: string, value: Uint8Array | null): void {
    const timestamp = this.#context.clock.nowMs()
    this.#context.sendOwn({ topic, partition: 0, key: utf8(target), value, timestamp, headers: [] })
  }
}

function isStopped({ place }: RetryCall): boolean {
  return place === 'held' || place === 'behind'
}

/** Why a record whose calls have not failed is a dead letter. */
export class SkippedError extends Error {
  override readonly name = 'SkippedError'
}
