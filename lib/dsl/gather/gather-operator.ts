import { assert } from '../../common/assert.ts'
import { concatBytes } from '../../common/bytes.ts'
import type { Header } from '../../common/headers.ts'
import type { Counter } from '../../common/metrics/meter.ts'
import { METRIC_GROUPS } from '../../common/metrics/metrics.ts'
import type { ProcessorContext } from '../../processor/processor-context.ts'
import type { Processor } from '../../processor/processor.ts'
import { Record } from '../../processor/record.ts'
import { resolveSerde } from '../../serde/open-serde.ts'
import type { Serde } from '../../serde/serde.ts'
import type { KeyValueStore } from '../../store/contract/key-value-store.ts'
import type { Timers } from '../../store/contract/timer-store.ts'
import type { BatchState } from '../../store/operator/batch-state.ts'
import { droppedRecords } from '../kit/dropped-records.ts'
import type { BatchEvent } from '../options/gather-options.ts'
import { batchEvent } from './batch-events.ts'
import { GatherInputs, type GatherInput } from './gather-inputs.ts'
import type { GatherSettings } from './gather-settings.ts'
import { ResultSet } from './result-set.ts'

/** Segments of a batch that are deleted in one go: more of them would hold up other records. */
const DELETED_SEGMENTS_MAX = 500
/** First bytes of the keys of a batch's timers. */
const END = 0
const PROGRESS = 1

type Bytes = Uint8Array

/** A batch with its id as bytes: keys of its segments and timers begin with them. */
interface Batch<B> {
  readonly id: B
  readonly key: Bytes
  readonly state: BatchState
}

/** What has made an event. */
interface Cause {
  readonly timestamp: number
  readonly headers: readonly Header[]
}

/**
 * Keyed by batch. Counts distinct results, and tells a batch's end in the transaction of what has ended it. A
 * batch has one timer, for its deadline while it runs and for its deletion afterwards, and another while
 * there is progress to be told.
 */
export class GatherOperator<B, V> implements Processor<B, V, B, BatchEvent> {
  readonly #settings: GatherSettings<B, V>
  readonly #inputs: GatherInputs<B, V>
  #context!: ProcessorContext<B, BatchEvent>
  #keySerde!: Serde<B>
  #batches!: KeyValueStore<B, BatchState>
  #results!: ResultSet
  #timers!: Timers<Bytes>
  #dropped!: Counter
  #duplicates!: Counter
  #late!: Counter
  #ended!: { readonly [state in Exclude<BatchState['state'], 'running'>]: Counter }

  constructor(settings: GatherSettings<B, V>, node: string) {
    this.#settings = settings
    this.#inputs = new GatherInputs(settings.callbacks, node)
  }

  init(context: ProcessorContext<B, BatchEvent>): void {
    const { stores, keySerde } = this.#settings
    const resolved = resolveSerde(keySerde as Serde<unknown> | undefined, context.defaultKeySerde)
    assert(resolved !== undefined, 'the store of batches opens without a serde of keys')
    this.#context = context
    this.#keySerde = resolved as Serde<B>
    this.#batches = context.getStateStore(stores.batches)
    this.#results = new ResultSet(context.getStateStore(stores.results))
    this.#timers = context.timers(stores.timers, (key, atMs) => this.#due(key, atMs))
    this.#dropped = droppedRecords(context)
    const tags = { 'task-id': context.taskId, store: stores.batches.name }
    const counter = (name: string) => context.metrics.counter(name, tags, METRIC_GROUPS.own)
    this.#duplicates = counter('gather-duplicates-total')
    this.#late = counter('gather-late-total')
    this.#ended = {
      completed: counter('gather-completed-total'),
      'timed-out': counter('gather-timed-out-total'),
      failed: counter('gather-failed-total'),
    }
  }

  process(record: Record<B, V>): void {
    const { key: id, value } = record
    if (id === null || id === undefined || value === null) return this.#dropped.add()
    const input = this.#inputs.read(record)
    const known = this.#batches.get(id)
    if (known && known.state !== 'running') return this.#late.add()
    const cause = { timestamp: record.timestamp, headers: record.headerList }
    const batch = { id, key: this.#keyBytes(id), state: known ?? this.#newState(record.timestamp) }
    const hasChanged = this.#take(batch, input, record.timestamp)
    if (!known) this.#start(batch, cause)
    else if (hasChanged) this.#batches.put(id, batch.state)
    // Asked of a record that changes nothing, too: an operator below may have thrown at the one that did.
    if (!this.#maybeEnd(batch, cause) && known && hasChanged) this.#noteProgress(batch)
  }

  #newState(firstTimestamp: number): BatchState {
    const startedAtMs = this.#context.currentSystemTimeMs()
    return {
      ...{ state: 'running', succeeded: 0, failed: 0, total: null, totalTimestamp: -1, endedAtMs: null },
      ...{ startedAtMs, deadlineAtMs: startedAtMs + this.#settings.deadlineMs },
      ...{ firstTimestamp, lastSegment: null },
    }
  }

  /** Takes what the record says into the batch. Returns whether anything of it is new. */
  #take({ key, state }: Batch<B>, { index, outcome, total }: GatherInput, timestamp: number): boolean {
    let hasChanged = false
    if (index !== undefined) {
      hasChanged = this.#results.add(key, state, index)
      if (hasChanged) state[outcome] += 1
      else this.#duplicates.add()
    }
    if (total === undefined || timestamp < state.totalTimestamp) return hasChanged
    hasChanged ||= total !== state.total || timestamp !== state.totalTimestamp
    state.total = total
    state.totalTimestamp = timestamp
    return hasChanged
  }

  /** What it forwards comes last, here and below: an operator below may throw. */
  #start(batch: Batch<B>, cause: Cause): void {
    this.#batches.put(batch.id, batch.state)
    this.#results.putHeaders(batch.key, cause.headers)
    this.#timers.set(timerKey(END, batch.key), batch.state.deadlineAtMs)
    this.#tell('started', batch, cause)
  }

  /** The sizes decide: no record is needed to say that it is the last. */
  #maybeEnd(batch: Batch<B>, cause: Cause): boolean {
    const { succeeded, failed, total } = batch.state
    if (total === null || succeeded + failed < total) return false
    this.#end(succeeded + failed === total ? 'completed' : 'failed', batch, cause)
    return true
  }

  #end(how: Exclude<BatchState['state'], 'running'>, batch: Batch<B>, cause: Cause): void {
    const { id, key, state } = batch
    const nowMs = this.#context.currentSystemTimeMs()
    state.state = how
    state.endedAtMs = nowMs
    this.#batches.put(id, state)
    this.#timers.set(timerKey(END, key), nowMs + this.#settings.forgetAfterMs)
    if (this.#settings.progressIntervalMs !== undefined) this.#timers.cancel(timerKey(PROGRESS, key))
    this.#ended[how].add()
    this.#tell(how, batch, cause)
  }

  #noteProgress({ key }: Batch<B>): void {
    const { progressIntervalMs } = this.#settings
    if (progressIntervalMs === undefined) return
    const timer = timerKey(PROGRESS, key)
    if (this.#timers.get(timer) !== undefined) return
    this.#timers.set(timer, this.#context.currentSystemTimeMs() + progressIntervalMs)
  }

  #due(timer: Bytes, atMs: number): void {
    const key = timer.subarray(1)
    const id = this.#keySerde.deserialize(key, { topic: this.#settings.stores.batches.name })
    const state = this.#batches.get(id)
    if (!state) return
    const batch = { id, key, state }
    if (timer[0] === PROGRESS) {
      if (state.state === 'running') this.#tell('progress', batch, this.#timerCause(key))
      return
    }
    if (state.state !== 'running') return this.#forget(batch, atMs)
    const cause = this.#timerCause(key)
    if (!this.#maybeEnd(batch, cause)) this.#end('timed-out', batch, cause)
  }

  #forget({ id, key, state }: Batch<B>, atMs: number): void {
    this.#results.delete(key, state, DELETED_SEGMENTS_MAX)
    if (state.lastSegment === null) return this.#batches.put(id, null)
    this.#batches.put(id, state)
    this.#timers.set(timerKey(END, key), atMs)
  }

  #timerCause(key: Bytes): Cause {
    return { timestamp: this.#context.currentSystemTimeMs(), headers: this.#results.headers(key) }
  }

  #tell(type: BatchEvent['type'], { id, key, state }: Batch<B>, { timestamp, headers }: Cause): void {
    const event = batchEvent(type, id, key, state, this.#context.currentSystemTimeMs())
    this.#context.forward(new Record(id, event, timestamp, headers))
  }

  #keyBytes(id: B): Bytes {
    return this.#keySerde.serialize(id, { topic: this.#settings.stores.batches.name })
  }
}

function timerKey(kind: number, key: Bytes): Bytes {
  return concatBytes(Uint8Array.of(kind), key)
}
