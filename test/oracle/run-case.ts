import type { OutgoingRecord } from '../../lib/broker/broker.ts'
import { compareBytes, hex } from '../../lib/common/bytes.ts'
import type { Windowed } from '../../lib/common/windowed.ts'
import type { Header } from '../../lib/common/headers.ts'
import { Headers } from '../../lib/common/headers.ts'
import { BufferedSessionStore } from '../../lib/store/windows/buffered-session-store.ts'
import { BufferedVersionedStore } from '../../lib/store/versioned/buffered-versioned-store.ts'
import { BufferedWindowStore } from '../../lib/store/windows/buffered-window-store.ts'
import { readOnlyView } from '../../lib/store/views/read-only-view.ts'
import type { StateStore } from '../../lib/store/contract/state-store.ts'
import { RecordBuffer } from '../../lib/store/operator/record-buffer.ts'
import { ChangeBuffer } from '../../lib/store/operator/change-buffer.ts'
import { UnmatchedRecords } from '../../lib/store/operator/unmatched-records.ts'
import { TopologyTestDriver } from '../../lib/testing/topology-test-driver.ts'
import { buildTopology } from './build-topology.ts'
import type { Case, Expectation, ExpectedRecord, Input } from './case.ts'
import { Unsupported } from './case.ts'
import { fromJson, serdeOf, toJson } from './serdes.ts'
import { settingsOf } from './settings.ts'

type Mutable<T> = { -readonly [field in keyof T]: T[field] }

/**
 * What Millrace does with a case, in the form of its `expect`. Throws `Unsupported` where something is not
 * there yet.
 */
export async function runCase(test: Case): Promise<Expectation> {
  let built: ReturnType<typeof buildTopology>
  try {
    built = buildTopology(test)
  } catch (error) {
    if (error instanceof Unsupported) throw error
    return { error: { kind: 'build' } }
  }
  const found: Mutable<Expectation> = { describe: described(built.topology.describe()) }
  using driver = new TopologyTestDriver(built.topology, {
    config: settingsOf(test),
    startWallClockMs: test.startWallClockMs ?? 0,
  })
  feedAll(driver, test, found)
  await observe(driver, test, found)
  if (built.trace.length > 0) found.trace = built.trace as NonNullable<Expectation['trace']>
  return found
}

/** The names of extractors are those of functions here, of classes there. */
export function described(text: string): string[] {
  const lines = text.split('\n').map(line => line.replace(/\(extractor class: .*\)/, '(extractor class: *)'))
  return lines.slice(0, -1)
}

function feedAll(driver: TopologyTestDriver, test: Case, found: Mutable<Expectation>): void {
  for (const [i, input] of (test.input ?? []).entries()) {
    try {
      feed(driver, test, input)
    } catch (error) {
      if (error instanceof Unsupported) throw error
      found.error = { kind: 'runtime', atInput: i }
      return
    }
  }
}

function feed(driver: TopologyTestDriver, test: Case, input: Input): void {
  if (input.advanceWallClockMs !== undefined) return driver.advanceWallClockTime(input.advanceWallClockMs)
  const topic = input.topic ?? ''
  driver.pipeRecord({
    topic,
    partition: 0,
    key: bytesOf(input.keyHex, input.key, serdeName(test, topic, 'key'), topic),
    value: bytesOf(input.valueHex, input.value, serdeName(test, topic, 'value'), topic),
    timestamp: input.timestamp ?? 0,
    headers: (input.headers ?? []).map(([key, value]) => ({
      key,
      value: value === null ? null : Buffer.from(value),
    })),
  })
}

function bytesOf(inHex: string | undefined, json: unknown, serde: string, topic: string): Uint8Array | null {
  if (inHex !== undefined) return new Uint8Array(Buffer.from(inHex, 'hex'))
  const value = fromJson(json, serde)
  return value === null ? null : serdeOf(serde).serialize(value, { topic })
}

function serdeName(test: Case, topic: string, part: 'key' | 'value'): string {
  return test.topics?.[topic]?.[part] ?? 'string'
}

async function observe(driver: TopologyTestDriver, test: Case, found: Mutable<Expectation>): Promise<void> {
  const output: { [topic: string]: ExpectedRecord[] } = {}
  const internal: { [topic: string]: number | ExpectedRecord[] } = {}
  const prefix = `${settingsOf(test).applicationId}-`
  for (const topic of driver.producedTopicNames()) {
    const records = driver.producedRecords(topic)
    if (!topic.startsWith(prefix)) {
      const serdes = [serdeName(test, topic, 'key'), serdeName(test, topic, 'value')] as const
      output[topic] = records.map(record => shown(record, ...serdes))
    } else {
      internal[topic] = test.recordInternal
        ? records.map(record => shown(record, 'bytes', 'bytes'))
        : records.length
    }
  }
  found.output = output
  if (Object.keys(internal).length > 0) found.internalTopics = internal
  if (!found.error && driver.stores().size > 0)
    found.stores = await contents(driver.stores(), seenKeys(test, output), shownByCaches(test))
  found.metrics = { 'dropped-records-total': driver.metricTotal('dropped-records-total') }
}

function shown(record: OutgoingRecord, keySerde: string, valueSerde: string): ExpectedRecord {
  const { topic, timestamp, headers } = record
  // Those by which a dead letter can be processed again.
  const shown = headers.filter(({ key }) => !key.startsWith('__millrace.'))
  const context = { topic, headers: new Headers(headers) }
  const read = (bytes: Uint8Array | null, serde: string) =>
    bytes === null ? null : toJson(serdeOf(serde).deserialize(bytes, context))
  return {
    key: read(record.key, keySerde),
    value: read(record.value, valueSerde),
    timestamp,
    ...(shown.length > 0 && { headers: shown.map(shownHeader) }),
  }
}

/** What the error of a dead letter says is each library's own. */
const OWN_WORDS = /^__streams\.errors\.(exception|message|stacktrace)$/

function shownHeader({ key, value }: Header): readonly [string, string | null] {
  return [key, value && (OWN_WORDS.test(key) ? '*' : Buffer.from(value).toString())]
}

/** Versioned stores cannot be gone through, so they are asked for every string that was a key somewhere. */
function seenKeys(test: Case, output: { readonly [topic: string]: readonly ExpectedRecord[] }): Set<string> {
  const keys = [...(test.input ?? []), ...Object.values(output).flat()].map(({ key }) => key)
  return new Set(keys.filter(key => typeof key === 'string'))
}

async function contents(
  stores: ReadonlyMap<string, StateStore>,
  keys: ReadonlySet<string>,
  cached: Expectation['stores'],
): Promise<{ [store: string]: unknown }> {
  const found: { [store: string]: unknown } = {}
  for (const [name, store] of stores) found[name] = await rows(store, keys, cached?.[name])
  return found
}

async function rows(store: StateStore, keys: ReadonlySet<string>, cached: unknown): Promise<unknown> {
  if (store instanceof BufferedVersionedStore) return latestVersions(store, keys)
  if (store instanceof UnmatchedRecords) return internal(store.countRecords())
  if (store instanceof ChangeBuffer || store instanceof RecordBuffer) return { kind: 'buffer' }
  if (store instanceof BufferedWindowStore) {
    return windowedRows(
      store.all(),
      endedRows(cached, ({ start }) => store.entries.hasExpired(start)),
    )
  }
  if (store instanceof BufferedSessionStore) {
    return windowedRows(
      store.fetchRange({}),
      endedRows(cached, ({ end }) => store.entries.hasExpired(end)),
    )
  }
  const found: { key: unknown; value: unknown }[] = []
  for await (const [key, value] of readOnlyView<unknown, unknown>(store, { isolation: 'latest' }).all()) {
    found.push(row(key, value))
  }
  if (found.some(({ value }) => isSubscription(value))) return { kind: 'internal', count: found.length }
  return found.sort((left, right) => compareBytes(orderOf(left.key), orderOf(right.key)))
}

function latestVersions(store: BufferedVersionedStore<unknown, unknown>, keys: ReadonlySet<string>): unknown {
  const found = [...keys].flatMap(key => {
    const version = store.get(key)
    return version ? row(key, { value: version.value, timestamp: version.timestamp }) : []
  })
  return found.sort((left, right) => compareBytes(orderOf(left.key), orderOf(right.key)))
}

/** An empty store of such a format is like any other. */
function internal(count: number): unknown {
  return count === 0 ? [] : { kind: 'internal', count }
}

/**
 * A cache of Kafka Streams shows windows that retention has ended until it evicts them, whatever the store
 * below says. Here a store shows the same with a cache as without; such rows of the expectation are taken for
 * found.
 */
function shownByCaches({ config, expect }: Case): Expectation['stores'] {
  return Number(config?.['statestore.cache.max.bytes'] ?? 0) > 0 ? expect.stores : undefined
}

interface WindowedRow {
  readonly key: { readonly key: unknown; readonly start: number; readonly end: number }
}

function endedRows(cached: unknown, hasEnded: (window: WindowedRow['key']) => boolean): WindowedRow[] {
  return Array.isArray(cached) ? (cached as WindowedRow[]).filter(({ key }) => hasEnded(key)) : []
}

/** By key, start and end; the order of equal ones, duplicates, is that of their arrival. */
function windowedRows(
  entries: Iterable<readonly [Windowed<unknown>, unknown]>,
  ended: readonly WindowedRow[],
): unknown {
  const found = Array.from(entries, ([{ key, window }, value]) => {
    const shown = { key: toJson(key), start: window.startMs, end: window.endMs }
    return { ...row(key, value), key: shown }
  })
  return [...found, ...ended].sort(
    ({ key: left }, { key: right }) =>
      compareBytes(orderOf(left.key), orderOf(right.key)) || left.start - right.start || left.end - right.end,
  )
}

/** A format of Kafka Streams' own, whose content cases do not show. */
function isSubscription(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'instruction' in value
}

/** Numbers sort as their 16 hex digits, everything else by its UTF-8. */
function orderOf(key: unknown): Uint8Array {
  const text = typeof key === 'number' ? key.toString(16).padStart(16, '0') : hex(Buffer.from(String(key)))
  return Buffer.from(text)
}

function row(key: unknown, value: unknown): { key: unknown; value: unknown; timestamp?: number } {
  const timed = typeof value === 'object' && value !== null && 'timestamp' in value ? value : undefined
  const { value: plain, timestamp } = (timed ?? { value, timestamp: undefined }) as {
    value: unknown
    timestamp?: number
  }
  return { key: toJson(key), value: toJson(plain), ...(timestamp !== undefined && { timestamp }) }
}
