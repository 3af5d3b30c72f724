import type { Header } from '../../lib/common/headers.ts'
import { silentLogger } from '../../lib/common/logger.ts'
import { Metrics } from '../../lib/common/metrics/metrics.ts'
import type { RecordContext } from '../../lib/common/record-context.ts'
import type { Engine } from '../../lib/store/engine/engine.ts'
import { WriteBatch } from '../../lib/store/engine/write-batch.ts'
import { copyBytes } from '../../lib/common/bytes.ts'
import type {
  ChangelogRecord,
  StateStore,
  StoreBuilder,
  StoreContext,
} from '../../lib/store/contract/state-store.ts'

export interface HarnessOptions {
  readonly engine: Engine
  readonly coalescing?: boolean
  readonly cacheBytesMax?: number
  readonly readCacheBytesMax?: number
  readonly logged?: boolean
  readonly defaults?: Partial<Pick<StoreContext, 'defaultKeySerde' | 'defaultValueSerde'>>
}

/**
 * One store as a task drives it: records come with a time, commits go to the changelog and into the engine.
 */
export class StoreHarness<S extends StateStore> {
  readonly changelog: ChangelogRecord[] = []
  readonly metrics = new Metrics()
  readonly #builder: StoreBuilder<S>
  readonly #options: HarnessOptions
  #record: RecordContext = { topic: 'in', partition: 0, offset: 0, timestamp: 0, headers: [] }
  store: S

  constructor(builder: StoreBuilder<S>, options: HarnessOptions) {
    this.#builder = builder
    this.#options = options
    this.store = builder.build()
  }

  static async open<S extends StateStore>(
    builder: StoreBuilder<S>,
    options: HarnessOptions,
  ): Promise<StoreHarness<S>> {
    const harness = new StoreHarness(builder, options)
    await harness.open()
    return harness
  }

  async open(): Promise<void> {
    this.store.open(this.context())
    await this.store.load()
  }

  /** The record being processed is of this time from now on. */
  at(timestamp: number, headers: readonly Header[] = []): this {
    this.#record = { ...this.#record, timestamp, offset: this.#record.offset + 1, headers }
    return this
  }

  recordContext(): RecordContext {
    return this.#record
  }

  flushAndPrepare(): void {
    this.store.flush()
    this.store.prepareCommit()
  }

  async commit(): Promise<void> {
    this.flushAndPrepare()
    const batch = new WriteBatch()
    this.store.stage(batch)
    await this.#options.engine.write(batch)
    this.store.staged()
  }

  /** Drops the store and builds it anew over the engine, as an abort does. */
  async abort(): Promise<void> {
    this.store.close()
    this.store = this.#builder.build()
    await this.open()
  }

  async restore(records: readonly ChangelogRecord[]): Promise<void> {
    this.store.restore(records)
    const batch = new WriteBatch()
    this.store.stage(batch)
    await this.#options.engine.write(batch)
    this.store.staged()
  }

  /** What the changelog got since the last call. */
  takeChangelog(): ChangelogRecord[] {
    return this.changelog.splice(0)
  }

  context(): StoreContext {
    const { engine, coalescing, cacheBytesMax, readCacheBytesMax, logged, defaults } = this.#options
    return {
      applicationId: 'app',
      taskId: '0_0',
      engine,
      log:
        logged === false
          ? undefined
          : (key, value, timestamp, headers) =>
              this.changelog.push({
                key: copyBytes(key),
                value: value && copyBytes(value),
                timestamp,
                headers,
              }),
      changelogTopic: 'app-store-changelog',
      changelogCoalescing: coalescing ?? true,
      cacheBytesMax: cacheBytesMax ?? 0,
      readCacheBytesMax,
      defaultKeySerde: defaults?.defaultKeySerde,
      defaultValueSerde: defaults?.defaultValueSerde,
      recordContext: () => this.#record,
      withRecordContext: (context, action, argument) => this.#during(context, () => action(argument)),
      streamTimeMs: () => 0,
      requestCommit: () => undefined,
      metrics: this.metrics,
      logger: silentLogger,
    }
  }

  #during(context: RecordContext, action: () => void): void {
    const before = this.#record
    this.#record = context
    try {
      action()
    } finally {
      this.#record = before
    }
  }
}
