import { assert } from '../../../common/assert.ts'
import { bytesToMapKey, concatBytes, utf8 } from '../../../common/bytes.ts'
import type { Counter } from '../../../common/metrics/meter.ts'
import { METRIC_GROUPS } from '../../../common/metrics/metrics.ts'
import { operatorContext } from '../../../processor/operator-context.ts'
import type { ProcessorContext } from '../../../processor/processor-context.ts'
import type { Processor } from '../../../processor/processor.ts'
import type { Record } from '../../../processor/record.ts'
import { resolveSerde } from '../../../serde/open-serde.ts'
import type { Serde } from '../../../serde/serde.ts'
import { serdes } from '../../../serde/serdes.ts'
import { stores } from '../../../store/builders/stores.ts'
import type { WindowStore } from '../../../store/contract/window-store.ts'
import { int32Bytes } from '../../../store/operator/byte-cursor.ts'
import { repartitioned } from '../../gather/repartitioned.ts'
import { checkName } from '../../graph/node-name.ts'
import { addStreamNode } from '../../kit/add-node.ts'
import { droppedRecords } from '../../kit/dropped-records.ts'
import type { StreamHandle } from '../../kit/handles.ts'
import { OperatorStreamTime } from '../../kit/operator-stream-time.ts'
import { synchronous, type CallbackOwner } from '../../kit/synchronous.ts'
import type { DeduplicateOptions } from '../../options/deduplicate-options.ts'

const PREFIX = 'KSTREAM-DEDUPLICATE-'

interface Settings<K, V> {
  readonly id: DeduplicateOptions<K, V>['id']
  readonly owner: CallbackOwner
  readonly windowMs: number
  readonly keySerde: Serde<unknown> | undefined
  readonly storeName: string
}

/**
 * Lets the first record of an id pass. The store has for each of them where it came from: under at-least-once
 * such a record is processed again if its outputs may not have been written, and must pass again.
 */
class Deduplicate<K, V> implements Processor<K, V, K, V> {
  readonly #settings: Settings<K, V>
  #context!: ProcessorContext<K, V>
  #keySerde!: Serde<unknown>
  #store!: WindowStore<Uint8Array, string>
  #streamTime!: OperatorStreamTime
  #dropped!: Counter
  #duplicates!: Counter
  #late!: Counter
  /** What has passed of the source record in hand: it may have become several records further up. */
  readonly #passed = new Set<string>()
  #passedOrigin = ''

  constructor(settings: Settings<K, V>) {
    this.#settings = settings
  }

  init(context: ProcessorContext<K, V>): void {
    const { storeName } = this.#settings
    const keySerde = resolveSerde(this.#settings.keySerde, context.defaultKeySerde)
    assert(keySerde !== undefined, 'a stream that is deduplicated is read with a serde of keys')
    this.#context = context
    this.#keySerde = keySerde
    this.#store = context.getStateStore(storeName)
    this.#streamTime = new OperatorStreamTime(operatorContext(context), storeName)
    this.#dropped = droppedRecords(context)
    const tags = { 'task-id': context.taskId, store: storeName }
    this.#duplicates = context.metrics.counter('deduplicate-duplicates-total', tags, METRIC_GROUPS.own)
    this.#late = context.metrics.counter('deduplicate-late-total', tags, METRIC_GROUPS.own)
  }

  process(record: Record<K, V>): void {
    const { key, value, timestamp } = record
    if (key === null || key === undefined) return this.#dropped.add()
    const id = this.#idOf(value, key)
    if (id === undefined) return this.#context.forward(record)
    this.#streamTime.reach(timestamp)
    const origin = this.#originNow()
    if (this.#isDuplicate(id, timestamp, origin)) return this.#duplicates.add()
    const isLate = timestamp <= this.#streamTime.currentMs - this.#store.retentionMs
    if (isLate) this.#late.add()
    else this.#store.put(id, origin, timestamp)
    this.#passed.add(bytesToMapKey(id))
    this.#context.forward(record)
  }

  #idOf(value: V, key: K): Uint8Array | undefined {
    const { id, owner, storeName } = this.#settings
    const keyBytes = this.#keySerde.serialize(key, { topic: storeName })
    if (!id) return keyBytes
    const given: unknown = synchronous(id(value, key), owner)
    if (given === undefined || given === null) return undefined
    if (typeof given === 'string' || (typeof given === 'number' && !Number.isNaN(given)))
      return concatBytes(int32Bytes(keyBytes.length), keyBytes, utf8(String(given)))
    throw new TypeError(
      `id of deduplicate (node "${owner.node}") returned ${String(given)}: it must be text, a number, or undefined`,
    )
  }

  #isDuplicate(id: Uint8Array, timestamp: number, origin: string): boolean {
    const near = this.#settings.windowMs - 1
    const starts = { fromMs: Math.max(0, timestamp - near), toMs: timestamp + near }
    for (const [, origins] of this.#store.fetch(id, starts))
      if (origin === '' || origins !== origin || this.#passed.has(bytesToMapKey(id))) return true
    return false
  }

  /** Empty where no record is being processed: what a punctuator forwards is not forwarded again. */
  #originNow(): string {
    const place = this.#context.recordMetadata()
    const origin = place ? `${place.topic}-${place.partition}@${place.offset}` : ''
    if (origin !== this.#passedOrigin) this.#passed.clear()
    this.#passedOrigin = origin
    return origin
  }
}

/** Drops duplicates by key and id. What was rekeyed is repartitioned first. */
export function deduplicate<K, V>(stream: StreamHandle, options: DeduplicateOptions<K, V>): StreamHandle {
  const { id, windowMs, storeType = 'persistent' } = options
  if (!(Number.isSafeInteger(windowMs) && windowMs >= 1))
    throw new TypeError(
      `windowMs is ${String(windowMs)}: it must be a whole number of milliseconds, at least 1`,
    )
  if (storeType !== 'persistent' && storeType !== 'in-memory')
    throw new TypeError(`storeType is ${String(storeType)}: it must be "persistent" or "in-memory"`)
  const { graph } = stream
  const storeName =
    options.storeName === undefined ? graph.newStoreName(PREFIX) : checkName(options.storeName)
  const parent = repartitioned(stream, storeName, options)
  const { keySerde } = parent
  const store = stores.windowStore<Uint8Array, string>({
    name: storeName,
    keySerde: serdes.bytes(),
    valueSerde: serdes.string(),
    windowSizeMs: windowMs,
    retentionMs: 2 * windowMs,
    persistent: storeType === 'persistent',
  })
  const get = (node: string) =>
    new Deduplicate({ id, owner: { callback: 'id of deduplicate', node }, windowMs, keySerde, storeName })
  return addStreamNode(parent, { prefix: PREFIX, name: options.name, get, stores: [store] })
}
