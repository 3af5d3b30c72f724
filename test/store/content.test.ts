import { describe, expect, it } from 'vitest'
import { silentLogger } from '../../lib/common/logger.ts'
import { Metrics } from '../../lib/common/metrics/metrics.ts'
import { NO_HEADERS, type Header } from '../../lib/common/headers.ts'
import { hex, utf8 } from '../../lib/common/bytes.ts'
import type { RecordContext } from '../../lib/common/record-context.ts'
import { serdes } from '../../lib/serde/serdes.ts'
import type { Engine } from '../../lib/store/engine/engine.ts'
import { openMemoryEngine } from '../../lib/store/engine/memory-engine.ts'
import { WriteBatch } from '../../lib/store/engine/write-batch.ts'
import { PendingStore } from '../../lib/store/operator/pending-store.ts'
import type {
  ChangelogRecord,
  StateStore,
  StoreBuilder,
  StoreContext,
} from '../../lib/store/contract/state-store.ts'
import { stores } from '../../lib/store/builders/stores.ts'
import { SeededRandom } from '../support/seeded-random.ts'

const NOW = 5_000_000

/** Opens a store over an engine; keeps what it sends to its changelog. */
async function opened(store: StateStore, engine: Engine, headers: readonly Header[] = NO_HEADERS) {
  const log: ChangelogRecord[] = []
  let timestamp = 0
  const recordContext = (): RecordContext => ({ topic: 't', partition: 0, offset: 0, timestamp, headers })
  const context: StoreContext = {
    applicationId: 'app',
    taskId: '0_0',
    engine,
    log: (key, value, at, recordHeaders) =>
      void log.push({
        key: Uint8Array.from(key),
        value: value && Uint8Array.from(value),
        timestamp: at,
        headers: recordHeaders,
      }),
    changelogTopic: 'changelog',
    changelogCoalescing: true,
    dslStoreFormat: headers.length > 0 ? 'headers' : 'default',
    cacheBytesMax: 0,
    defaultKeySerde: undefined,
    defaultValueSerde: undefined,
    recordContext,
    withRecordContext: (_, action, argument) => action(argument),
    streamTimeMs: () => timestamp,
    requestCommit: () => undefined,
    isTransactional: true,
    metrics: new Metrics(),
    logger: silentLogger,
  }
  store.open(context)
  await store.load()
  const commit = async () => {
    store.flush()
    store.prepareCommit()
    const batch = new WriteBatch()
    store.stage(batch)
    await engine.write(batch)
    store.staged()
  }
  return { log, commit, at: (time: number) => (timestamp = time) }
}

async function rowsOf(engine: Engine): Promise<string[]> {
  const rows: string[] = []
  for await (const [key, value] of engine.entries({})) rows.push(`${hex(key)} ${hex(value)}`)
  return rows
}

const text = { keySerde: serdes.string(), valueSerde: serdes.string() }
const random = new SeededRandom(7)
const key = () => `k${random.below(30)}`
const value = () => (random.chance(0.2) ? null : `v${random.below(1000)}`)

interface Subject {
  readonly name: string
  build(): StateStore
  put(store: never, timeMs: number): void
  readonly headers?: readonly Header[]
}

const of =
  <S extends StateStore>(builder: StoreBuilder<S>) =>
  () =>
    builder.build()

const SUBJECTS: readonly Subject[] = [
  {
    name: 'key-value',
    build: of(stores.keyValueStore({ name: 's', ...text, ranges: false })),
    put: (store: { put(key: string, value: string | null): void }) => store.put(key(), value()),
  },
  {
    name: 'timestamped key-value',
    build: of(stores.timestampedKeyValueStore({ name: 's', ...text, ranges: false })),
    put: (store: { put(key: string, value: object | null): void }, timestamp) => {
      const plain = value()
      store.put(key(), plain === null ? null : { value: plain, timestamp })
    },
  },
  {
    name: 'window',
    build: of(
      stores.windowStore({ name: 's', ...text, windowSizeMs: 10, retentionMs: 400, retainDuplicates: false }),
    ),
    put: (store: { put(key: string, value: string | null, startMs: number): void }, timeMs) =>
      store.put(key(), value(), timeMs),
  },
  {
    name: 'window with duplicates',
    build: of(
      stores.windowStore({ name: 's', ...text, windowSizeMs: 10, retentionMs: 400, retainDuplicates: true }),
    ),
    put: (store: { put(key: string, value: string | null, startMs: number): void }, timeMs) =>
      store.put(key(), `v${timeMs}`, timeMs),
  },
  {
    name: 'session',
    build: of(stores.sessionStore({ name: 's', ...text, retentionMs: 400 })),
    put: (store: { put(session: object, value: string | null): void }, timeMs) =>
      store.put({ key: key(), window: { startMs: timeMs, endMs: timeMs + 5 } }, value()),
  },
  {
    name: 'what waits in an asynchronous operator',
    build: () => new PendingStore('s'),
    put: (store: { add(item: object): void }, timestamp) => {
      const bytes = utf8(`item ${timestamp}`)
      store.add({ timestamp, byteLength: bytes.length, toBytes: () => bytes })
    },
  },
]

describe.each(SUBJECTS)('the content of a store ($name)', ({ build, put }) => {
  it('restores another one to the same rows', async () => {
    const engine = openMemoryEngine()
    const store = build()
    const { commit, at, log } = await opened(store, engine)
    for (let commits = 0; commits < 5; commits += 1) {
      for (let n = 0; n < 40; n += 1) {
        const timeMs = commits * 100 + n
        at(timeMs)
        put(store as never, timeMs)
      }
      await commit()
    }
    store.close()

    const again = build()
    await opened(again, engine)
    const records: ChangelogRecord[] = []
    for await (const record of again.content!(NOW)) {
      const { key: bytes, value: valueBytes, timestamp, headers } = record
      records.push({
        key: bytes && Uint8Array.from(bytes),
        value: valueBytes && Uint8Array.from(valueBytes),
        timestamp,
        headers,
      })
    }
    expect(records.length).toBeGreaterThan(20)
    // Each is the last that was sent of its key, but for a time that the row does not keep.
    const last = new Map(log.map(record => [hex(record.key!), record]))
    for (const record of records) expect(hex(record.value!)).toBe(hex(last.get(hex(record.key!))!.value!))

    const other = openMemoryEngine()
    const restored = build()
    const into = await opened(restored, other)
    restored.restore(records)
    const batch = new WriteBatch()
    restored.stage(batch)
    await other.write(batch)
    restored.staged()
    void into
    const isEntry = (row: string) => row.startsWith(hex(utf8('s\0')))
    expect((await rowsOf(other)).filter(isEntry)).toEqual((await rowsOf(engine)).filter(isEntry))
  })
})

it('a versioned store does not tell: its rows are not its records', () => {
  const versioned = stores.versionedKeyValueStore({ name: 's', ...text, historyRetentionMs: 1_000 }).build()
  expect((versioned as StateStore).content).toBeUndefined()
})
