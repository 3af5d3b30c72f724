import type { ProcessorContext, PunctuationType } from '../../lib/processor/processor-context.ts'
import type { Processor, ProcessorSupplier } from '../../lib/processor/processor.ts'
import { Record } from '../../lib/processor/record.ts'
import type { KeyValueStore } from '../../lib/store/contract/key-value-store.ts'
import type { StoreBuilder } from '../../lib/store/contract/state-store.ts'
import { Unsupported } from './case.ts'
import { parseSpec, valueFunction } from './functions.ts'
import { printed } from './serdes.ts'
import { VERSIONED_STEPS } from './versioned-steps.ts'
import { SESSION_STEPS, WINDOW_STEPS } from './windowed-steps.ts'

type AnyRecord = Record<unknown, unknown>
type AnyStore = KeyValueStore<unknown, unknown>

/** One processor of the library at work: what it does on a record, with the context and its first store. */
interface Scope {
  readonly context: ProcessorContext
  readonly argument: string
  store(): AnyStore
}

type Step = (record: AnyRecord, scope: Scope) => void

/**
 * `kinds`: the types of the stores by name, as cases call them; the library puts and prints their values
 * differently.
 */
export function processorSupplier(
  spec: string,
  storeNames: readonly string[],
  kinds: ReadonlyMap<string, string>,
  own: readonly StoreBuilder[] = [],
): ProcessorSupplier {
  const { name, argument } = parseSpec(spec)
  const start = STARTING[name]
  const step = steps(kinds.get(storeNames[0] ?? ''))[name] ?? (start && FORWARD)
  if (!step) throw new Unsupported(name)
  return { get: () => new LibraryProcessor(argument, storeNames[0] ?? '', step, start), stores: own }
}

class LibraryProcessor implements Processor {
  readonly #argument: string
  readonly #storeName: string
  readonly #step: Step
  readonly #start: ((scope: Scope) => void) | undefined
  #scope!: Scope

  constructor(argument: string, storeName: string, step: Step, start: ((scope: Scope) => void) | undefined) {
    this.#argument = argument
    this.#storeName = storeName
    this.#step = step
    this.#start = start
  }

  init(context: ProcessorContext): void {
    const storeName = this.#storeName
    this.#scope = {
      context,
      argument: this.#argument,
      store: () => context.getStateStore<AnyStore>(storeName),
    }
    this.#start?.(this.#scope)
  }

  process(record: AnyRecord): void {
    this.#step(record, this.#scope)
  }
}

const FORWARD: Step = (record, { context }) => context.forward(record)

function steps(kind: string | undefined): { readonly [name: string]: Step } {
  return { ...PLAIN_STEPS, ...STORE_STEPS, ...stepsOfKind(kind) }
}

function stepsOfKind(kind: string | undefined): { readonly [name: string]: Step } {
  switch (kind) {
    case 'timestampedKeyValue':
      return TIMESTAMPED_STEPS
    case 'window':
      return WINDOW_STEPS
    case 'session':
      return SESSION_STEPS
    case 'versioned':
      return VERSIONED_STEPS
    default:
      return {}
  }
}

const PLAIN_STEPS: { readonly [name: string]: Step } = {
  'proc.forward': FORWARD,
  'proc.drop': () => undefined,
  'proc.twice': (record, { context }) => {
    context.forward(record)
    context.forward(record)
  },
  'proc.map': (record, { context, argument }) =>
    context.forward(record.withValue(valueFunction(argument)(record.key, record.value))),
  'proc.key': (record, { context, argument }) =>
    context.forward(record.withKey(valueFunction(argument)(record.key, record.value))),
  'proc.stamp': (record, { context, argument }) =>
    context.forward(record.withTimestamp(record.timestamp + Number(argument))),
  'proc.failIf': (record, { context, argument }) =>
    context.forward(record.withValue(valueFunction(`value.failIf(${argument})`)(record.key, record.value))),
  'proc.header': (record, { context, argument }) => {
    const comma = argument.indexOf(',')
    record.headers.add(argument.slice(0, comma), Buffer.from(argument.slice(comma + 1)))
    context.forward(record)
  },
  'proc.dropHeaders': (record, { context }) => {
    record.headers.clear()
    context.forward(record)
  },
  'proc.headers': (record, { context }) => {
    const parts = Array.from(
      record.headers,
      ({ key, value }) => `${key}=${value && Buffer.from(value).toString()}`,
    )
    context.forward(record.withValue(parts.join(';')))
  },
  'proc.meta': (record, { context }) => {
    // A punctuator has no metadata here, an empty one in Kafka Streams: a departure that the processor's
    // contract states.
    const { topic, partition, offset } = context.recordMetadata() ?? {
      topic: null,
      partition: -1,
      offset: -1,
    }
    context.forward(record.withValue(`${topic}/${partition}/${offset}`))
  },
  'proc.time': (record, { context }) =>
    context.forward(record.withValue(`${context.currentStreamTimeMs()}/${context.currentSystemTimeMs()}`)),
  'proc.route': (record, { context }) => {
    const value = String(record.value)
    const colon = value.indexOf(':')
    const child = colon < 0 ? value : value.slice(0, colon)
    context.forward(record.withValue(colon < 0 ? null : value.slice(colon + 1)), child)
  },
}

const STORE_STEPS: { readonly [name: string]: Step } = {
  'proc.count': (record, { context, store }) => {
    if (record.key === null) return context.forward(record)
    const count = Number(store().get(record.key) ?? 0) + 1
    store().put(record.key, count)
    context.forward(record.withValue(count))
  },
  'proc.dedupe': (record, { context, store }) => {
    if ((store().get(record.key) ?? null) === record.value) return
    store().put(record.key, record.value)
    context.forward(record)
  },
  'proc.put': (record, { store }) => store().put(record.key, record.value),
  'proc.delete': (record, { context, store }) =>
    context.forward(record.withValue(printed(store().delete(record.key) ?? null))),
  'proc.putIfAbsent': (record, { context, store }) =>
    context.forward(record.withValue(printed(store().putIfAbsent(record.key, record.value) ?? null))),
  'proc.get': (record, { context, store }) =>
    context.forward(record.withValue(`${printed(record.value)}=${printed(store().get(record.key) ?? null)}`)),
  'proc.scan': (record, { context, store, argument }) => {
    const found = Array.from(
      scan(store(), argument, record),
      ([key, value]) => `${printed(key)}=${printed(value)}`,
    )
    context.forward(record.withValue(found.join(',')))
  },
  'proc.flushStream': (record, { store }) => store().put(record.key, record.value),
}

interface Timed {
  readonly value: unknown
  readonly timestamp: number
}

const TIMESTAMPED_STEPS: { readonly [name: string]: Step } = {
  'proc.put': (record, { store }) =>
    store().put(
      record.key,
      record.value === null ? null : { value: record.value, timestamp: record.timestamp },
    ),
  'proc.get': (record, { context, store }) => {
    const found = store().get(record.key) as Timed | undefined
    const shown = found ? `${printed(found.value)}@${found.timestamp}` : 'null'
    context.forward(record.withValue(`${printed(record.value)}=${shown}`))
  },
  'proc.delete': (record, { context, store }) => {
    const found = store().delete(record.key) as Timed | undefined
    context.forward(record.withValue(printed(found ? found.value : null)))
  },
}

function scan(store: AnyStore, how: string, record: AnyRecord): Iterable<readonly [unknown, unknown]> {
  const value = record.value === null ? '' : String(record.value)
  const [from, to] = [0, 1].map(i => value.split(':')[i] || undefined)
  switch (how) {
    case 'all':
      return store.all()
    case 'reverseAll':
      return store.reverseAll()
    case 'range':
      return store.range(from, to)
    case 'reverseRange':
      return store.reverseRange(from, to)
    case 'prefix':
      return store.prefixScan(value)
    default:
      throw new Unsupported(`proc.scan(${how})`)
  }
}

const STARTING: { readonly [name: string]: (scope: Scope) => void } = {
  'proc.punctuateStream': scope => punctuate(scope, 'stream-time', scope.argument, -1),
  'proc.punctuateWall': scope => punctuate(scope, 'wall-clock-time', scope.argument, -1),
  'proc.cancelStream': scope => {
    const [intervalMs = '', times] = scope.argument.split(',')
    punctuate(scope, 'stream-time', intervalMs, Number(times))
  },
  'proc.flushStream': ({ context, argument, store }) => {
    context.schedule({ intervalMs: Number(argument), type: 'stream-time' }, now => {
      for (const [key, value] of [...store().all()]) {
        context.forward(new Record(key, value, now))
        store().delete(key)
      }
    })
  },
}

function punctuate({ context }: Scope, type: PunctuationType, intervalMs: string, times: number): void {
  let fired = 0
  const handle = context.schedule({ intervalMs: Number(intervalMs), type }, now => {
    context.forward(new Record('punctuate', `${now}/${context.currentStreamTimeMs()}`, now))
    fired += 1
    if (fired === times) handle.cancel()
  })
}
