import type { Counter, Distribution } from '../../common/metrics/meter.ts'
import { METRIC_GROUPS, type Metrics, type MetricTags } from '../../common/metrics/metrics.ts'
import type { Engine } from '../../store/engine/engine.ts'
import type { StateStore } from '../../store/contract/state-store.ts'

const { store: STORE, cache: CACHE } = METRIC_GROUPS

/** Kafka Streams' operations of stores, each with the methods that count as it. */
const OPERATIONS: { readonly [operation: string]: readonly string[] } = {
  get: ['get', 'getAsOf'],
  put: ['put'],
  'put-if-absent': ['putIfAbsent'],
  'put-all': ['putAll'],
  delete: ['delete'],
  remove: ['remove'],
  all: ['all', 'reverseAll', 'backwardAll'],
  range: ['range', 'reverseRange'],
  'prefix-scan': ['prefixScan'],
  fetch: [
    ...['fetch', 'backwardFetch', 'fetchRange', 'backwardFetchRange', 'fetchAll', 'backwardFetchAll'],
    ...['fetchSession', 'findSessions', 'backwardFindSessions', 'findSessionsRange'],
    ...['backwardFindSessionsRange', 'findSessionsByEnd'],
  ],
  flush: ['flush'],
  restore: ['restore'],
}

type Method = (...args: unknown[]) => unknown

/**
 * Measures the calls of a store, how many and how long they take, in nanoseconds as in Kafka Streams; only at
 * level `debug`, since two looks at the clock cost as much as a read from memory. The methods of the store
 * object itself are replaced, so that everybody goes on with the same object.
 */
export class StoreMetrics {
  readonly #metrics: Metrics
  readonly #tags: MetricTags
  readonly #open = new Set<OpenIterator>()
  readonly #iterated: Distribution
  readonly #hits: Distribution
  /** Reads since the last commit. */
  #reads = 0
  #engineReads = 0

  constructor(metrics: Metrics, taskId: string | undefined, store: string) {
    this.#metrics = metrics
    this.#tags = { 'task-id': taskId ?? 'global', store }
    this.#iterated = metrics.distribution('iterator-duration', this.#tags, STORE)
    this.#hits = metrics.distribution('hit-ratio', this.#tags, CACHE, { statistics: ['avg', 'min', 'max'] })
    this.#gauge('num-open-iterators', () => this.#open.size)
    this.#gauge('oldest-iterator-open-since-ms', () => this.#oldestSinceMs())
  }

  /** Counts the reads of the store's engine: they show how often memory did not have the answer. */
  watchEngine(engine: Engine): Engine {
    const get: Engine['get'] = key => {
      this.#engineReads += 1
      return engine.get(key)
    }
    return {
      persistent: engine.persistent,
      get,
      entries: range => engine.entries(range),
      write: batch => engine.write(batch),
      prepareFor: load => engine.prepareFor(load),
      clear: range => engine.clear(range),
      close: () => engine.close(),
    }
  }

  watch(store: StateStore): void {
    const methods = store as unknown as { [name: string]: Method | undefined }
    for (const [operation, names] of Object.entries(OPERATIONS)) {
      const present = names.filter(name => typeof methods[name] === 'function')
      if (present.length === 0) continue
      const measure = this.#operation(operation)
      for (const name of present) replace(store, name, this.#timed(methods[name]!.bind(store), measure))
    }
    this.#watchCommits(store)
    const count = (store as Partial<{ approximateNumEntries(): number }>).approximateNumEntries?.bind(store)
    if (count) this.#gauge('estimate-num-keys', count)
  }

  /** Measures each commit from the hand-over to the engine until it is there. */
  #watchCommits(store: StateStore): void {
    const commit = this.#operation('commit')
    const stage = store.stage.bind(store)
    const staged = store.staged.bind(store)
    let startMs = 0
    replace(store, 'stage', (...[batch]: Parameters<StateStore['stage']>) => {
      startMs = this.#metrics.clock.monotonicMs()
      if (this.#reads > 0) this.#hits.record(Math.max(0, 1 - this.#engineReads / this.#reads))
      this.#reads = this.#engineReads = 0
      stage(batch)
    })
    replace(store, 'staged', () => {
      staged()
      commit.record(this.#metrics.clock.monotonicMs() - startMs)
    })
  }

  #operation(name: string): Operation {
    const tags = this.#tags
    const latency = this.#metrics.distribution(`${name}-latency`, tags, STORE)
    return new Operation(this.#metrics.meter(name, tags, STORE), latency)
  }

  #timed(method: Method, measure: Operation): Method {
    const { clock } = this.#metrics
    return (...args) => {
      this.#reads += 1
      const startMs = clock.monotonicMs()
      try {
        const result = method(...args)
        return isIterator(result) ? this.#iterating(result) : result
      } finally {
        measure.record(clock.monotonicMs() - startMs)
      }
    }
  }

  #iterating(inner: IterableIterator<unknown>): IterableIterator<unknown> {
    const { clock } = this.#metrics
    const opened: OpenIterator = { sinceMs: clock.nowMs(), startMs: clock.monotonicMs() }
    this.#open.add(opened)
    const end = () => {
      if (this.#open.delete(opened)) this.#iterated.record((clock.monotonicMs() - opened.startMs) * 1e6)
    }
    return {
      next() {
        const step = inner.next()
        if (step.done) end()
        return step
      },
      return(value?: unknown) {
        end()
        return inner.return?.(value) ?? { done: true, value }
      },
      [Symbol.iterator]() {
        return this
      },
    }
  }

  #oldestSinceMs(): number {
    let oldest = Infinity
    for (const { sinceMs } of this.#open) oldest = Math.min(oldest, sinceMs)
    return oldest === Infinity ? NaN : oldest
  }

  #gauge(name: string, read: () => number): void {
    this.#metrics.gauge(name, this.#tags, read, STORE)
  }
}

interface OpenIterator {
  readonly sinceMs: number
  readonly startMs: number
}

/** Number and duration of one operation's calls; nanoseconds. */
class Operation {
  readonly #count: Counter
  readonly #latency: Distribution

  constructor(count: Counter, latency: Distribution) {
    this.#count = count
    this.#latency = latency
  }

  record(elapsedMs: number): void {
    this.#count.value += 1
    this.#latency.record(elapsedMs * 1e6)
  }
}

function replace(store: StateStore, name: string, value: (...args: never[]) => unknown): void {
  Object.defineProperty(store, name, { value, configurable: true, writable: true })
}

function isIterator(value: unknown): value is IterableIterator<unknown> {
  return typeof value === 'object' && value !== null && 'next' in value && Symbol.iterator in value
}
