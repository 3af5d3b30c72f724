import type { OutgoingRecord } from '../../broker/broker.ts'
import type { Clock } from '../../common/clock.ts'
import { StreamsError, TopologyError } from '../../common/errors/errors.ts'
import type { TaskId } from '../../common/ids.ts'
import type { Logger } from '../../common/logger.ts'
import type { Metrics } from '../../common/metrics/metrics.ts'
import type { RecordContext } from '../../common/record-context.ts'
import type { Tracer } from '../../common/context/tracer.ts'
import type {
  Cancellable,
  OneShotOptions,
  PunctuationOptions,
  Punctuator,
  RecordMetadata,
  TimerHandler,
} from '../../processor/processor-context.ts'
import type { DeferredWork, DeferringContext } from '../../processor/deferred-work.ts'
import type { LetterRecord } from '../../processor/letter.ts'
import type { OperatorContext } from '../../processor/operator-context.ts'
import type { Record } from '../../processor/record.ts'
import type { Serde } from '../../serde/serde.ts'
import type { StateStore, StoreBuilder } from '../../store/contract/state-store.ts'
import type { Timers, TimerStore } from '../../store/contract/timer-store.ts'
import { durableTimers } from '../../store/operator/timer-store.ts'
import { NodeTimers } from './node-timers.ts'
import type { TaskNode } from './task-node.ts'
import type { TaskScope } from './task-scope.ts'

/** The context of one node: knows its children and the stores connected to it. */
export class NodeContext implements DeferringContext, OperatorContext {
  readonly #scope: TaskScope
  readonly nodeName: string
  readonly #stores: ReadonlySet<string>
  #children: readonly TaskNode[] = []

  constructor(scope: TaskScope, nodeName: string, stores: readonly string[]) {
    this.#scope = scope
    this.nodeName = nodeName
    this.#stores = new Set(stores)
  }

  get applicationId(): string {
    return this.#scope.applicationId
  }

  get taskId(): TaskId {
    return this.#scope.taskId
  }

  get metrics(): Metrics {
    return this.#scope.metrics
  }

  get logger(): Logger {
    return this.#scope.logger
  }

  get defaultKeySerde(): Serde<unknown> | undefined {
    return this.#scope.defaultKeySerde
  }

  get defaultValueSerde(): Serde<unknown> | undefined {
    return this.#scope.defaultValueSerde
  }

  connect(children: readonly TaskNode[]): void {
    this.#children = children
  }

  forward(record: Record<unknown, unknown>, childName?: string): void {
    const scope = this.#scope
    const outer = scope.context
    if (childName === undefined) for (const child of this.#children) this.#enter(child, record)
    else this.#enter(this.#childOrThrow(childName), record)
    scope.context = outer
  }

  getStateStore<S extends StateStore>(store: string | StoreBuilder<S>): S {
    const name = nameOf(store)
    const found = this.#ownStore(name) ?? this.#scope.globalStore(name)
    if (found) return found as S
    throw this.#notConnected(name)
  }

  timers<K>(store: string | StoreBuilder<TimerStore<K>>, handler: TimerHandler<K>): Timers<K> {
    const name = nameOf(store)
    const found = this.#ownStore(name)
    if (!found) throw this.#notConnected(name)
    const timers = durableTimers<K>(found)
    new NodeTimers(this.#scope, this.nodeName, timers, handler).start()
    return timers
  }

  schedule(options: PunctuationOptions | OneShotOptions, callback: Punctuator): Cancellable {
    if ('atMs' in options) return this.#scheduleOnce(options, callback)
    if (!(Number.isInteger(options.intervalMs) && options.intervalMs >= 1)) {
      throw new TypeError(`intervalMs is ${options.intervalMs}: it must be a whole number of at least 1`)
    }
    const { startMs } = options
    if (startMs !== undefined && !(Number.isSafeInteger(startMs) && startMs >= 0)) {
      throw new TypeError(`startMs is ${startMs}: it must be a whole number of milliseconds since the epoch`)
    }
    return this.#scope.schedule(this.nodeName, options, callback)
  }

  #scheduleOnce({ atMs, type = 'wall-clock-time' }: OneShotOptions, callback: Punctuator): Cancellable {
    if (!(Number.isSafeInteger(atMs) && atMs >= 0)) {
      throw new TypeError(`atMs is ${atMs}: it must be a whole number of milliseconds since the epoch`)
    }
    return this.#scope.schedule(this.nodeName, { atMs, type }, callback)
  }

  get clock(): Clock {
    return this.#scope.clock
  }

  get tracer(): Tracer | undefined {
    return this.#scope.tracer
  }

  get asyncContext(): boolean {
    return this.#scope.asyncContext ?? false
  }

  defer(work: DeferredWork): () => void {
    return this.#scope.defer(this.nodeName, work)
  }

  forwardAs(context: RecordContext, record: Record<unknown, unknown>): void {
    const outer = this.#scope.context
    this.#scope.context = context
    // Where it throws, whoever decides about the failure sets the context.
    this.forward(record)
    this.#scope.context = outer
  }

  sendLetter(topic: string, letter: LetterRecord): void {
    this.#scope.collector.sendLetter(topic, letter)
  }

  sendOwn(record: OutgoingRecord): void {
    this.#scope.collector.sendOwn(record)
  }

  get emitIntervalMs(): number {
    return this.#scope.emitIntervalMs
  }

  committedTimeMs(name: string): number | undefined {
    return this.#scope.times.committedMs(name)
  }

  keepTime(name: string, currentMs: () => number, options = { ifRoom: false }): void {
    this.#scope.times.keep({ name, currentMs, ifRoom: options.ifRoom })
  }

  recordMetadata(): RecordMetadata | undefined {
    const { topic, partition, offset } = this.#scope.context
    return topic === undefined ? undefined : { topic, partition, offset }
  }

  recordContext(): RecordContext {
    return this.#scope.context
  }

  currentStreamTimeMs(): number {
    return this.#scope.streamTimeMs()
  }

  currentSystemTimeMs(): number {
    return this.#scope.systemTimeMs()
  }

  commit(): void {
    this.#scope.requestCommit()
  }

  /**
   * Calls a child with the record as context. Headers are compared for every child: an earlier one may have
   * changed the record's, and the next one gets the same record.
   */
  #enter(child: TaskNode, made: Record<unknown, unknown>): void {
    const scope = this.#scope
    const { context } = scope
    const isOther = made.headerList !== context.headers
    const record =
      isOther && context.headers.length > 0 && scope.contextHeaders
        ? scope.contextHeaders.carried(made, context.headers)
        : made
    const { timestamp } = record
    if (isOther || timestamp !== context.timestamp) {
      const { topic, partition, offset, source } = context
      scope.context = { topic, partition, offset, timestamp, headers: record.headerList, source }
    }
    child.process(record)
  }

  #ownStore(name: string): StateStore | undefined {
    return this.#stores.has(name) ? this.#scope.store(name) : undefined
  }

  #notConnected(store: string): TopologyError {
    return new TopologyError(
      'STORE_NOT_CONNECTED',
      `processor "${this.nodeName}" has no access to store "${store}": name it among the processor's stores`,
    )
  }

  #childOrThrow(name: string): TaskNode {
    const child = this.#children.find(node => node.name === name)
    if (child) return child
    throw new StreamsError(
      'UNKNOWN_CHILD',
      `processor "${this.nodeName}" forwards to "${name}", which is no child of it: its children are ` +
        (this.#children.map(node => `"${node.name}"`).join(', ') || 'none'),
    )
  }
}

function nameOf(store: string | StoreBuilder): string {
  return typeof store === 'string' ? store : store.name
}
