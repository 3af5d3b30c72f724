import {
  Record,
  serdes,
  stores,
  type Cancellable,
  type Counter,
  type KeyValueStore,
  type Processor,
  type ProcessorContext,
  type ProcessorSupplier,
  type Timers,
} from 'millrace'
import { normalizeEmail } from './email-address.ts'
import type { ImportJob, ImportResult, RowFields, UploadChunk, UploadEnd, UploadRecord } from './records.ts'
import { KEPT_MS, TOPICS } from './topics.ts'

const RELEASE_MS = 25
/** By each task; a chunk has about 500 rows. */
const CHUNKS_PER_RELEASE = 4
const CHUNKS_MAX = 1_000_000

/** What is known of an upload; it is complete when its end and all chunks have come. */
interface Upload {
  readonly received: number
  readonly released: number
  readonly end?: UploadEnd
}

const keySerde = serdes.string()
const uploadStore = stores.keyValueStore({ name: 'uploads', keySerde, valueSerde: serdes.json<Upload>() })
const chunkStore = stores.keyValueStore({
  ...{ name: 'upload-chunks', keySerde, valueSerde: serdes.json<UploadChunk>(), ranges: false },
})
const timerStore = stores.timers({ name: 'upload-timers', keySerde })

type Output = ImportJob | ImportResult

/**
 * Keyed by import. Keeps the chunks of an upload until all are here: only then its total goes to the results,
 * and its rows become jobs.
 *
 * They go a few chunks at a time, each import in its turn: to release 1,000,000 rows at once would hold the
 * event loop for seconds, outgrow a transaction, and make a small import behind a large one wait.
 */
class ReleaseUploads implements Processor<string | null, UploadRecord | null, string, Output> {
  #context!: ProcessorContext<string, Output>
  #uploads!: KeyValueStore<string, Upload>
  #chunks!: KeyValueStore<string, UploadChunk>
  #timers!: Timers<string>
  #dropped!: Counter
  readonly #releasing = new Set<string>()
  #ticks: Cancellable | undefined

  init(context: ProcessorContext<string, Output>): void {
    this.#context = context
    this.#uploads = context.getStateStore(uploadStore)
    this.#chunks = context.getStateStore(chunkStore)
    this.#dropped = context.metrics.meter(
      'dropped-records',
      { 'task-id': context.taskId },
      'stream-task-metrics',
    )
    this.#timers = context.timers(timerStore, importId => this.#forget(importId))
    for (const [importId, upload] of this.#uploads.all()) this.#maybeRelease(importId, upload)
  }

  process({ key: importId, value, timestamp }: Record<string | null, UploadRecord | null>): void {
    if (importId === null || value === null) return this.#dropped.add()
    const known = this.#uploads.get(importId)
    if (known && isComplete(known)) return
    if (!known) this.#timers.set(importId, this.#context.currentSystemTimeMs() + KEPT_MS)
    const upload = this.#with(importId, known ?? { received: 0, released: 0 }, value)
    this.#uploads.put(importId, upload)
    if (!isComplete(upload)) return
    this.#context.forward(new Record(importId, { total: upload.end.total }, timestamp), TOPICS.results)
    this.#maybeRelease(importId, upload)
  }

  /** Chunks are counted distinct: one that is sent again changes nothing. */
  #with(importId: string, upload: Upload, record: UploadRecord): Upload {
    if ('chunks' in record) return { ...upload, end: record }
    const key = chunkKey(importId, record.chunk)
    if (this.#chunks.get(key) !== undefined) return upload
    this.#chunks.put(key, record)
    return { ...upload, received: upload.received + 1 }
  }

  #maybeRelease(importId: string, upload: Upload): void {
    if (!isComplete(upload) || upload.released === upload.end.chunks) return
    this.#releasing.add(importId)
    const rhythm = { intervalMs: RELEASE_MS, type: 'wall-clock-time' } as const
    this.#ticks ??= this.#context.schedule(rhythm, nowMs => this.#release(nowMs))
  }

  #release(nowMs: number): void {
    for (let budget = CHUNKS_PER_RELEASE; budget > 0; budget -= 1) {
      const [importId] = this.#releasing
      if (importId === undefined) break
      // To the end of the queue, unless this is its last chunk.
      this.#releasing.delete(importId)
      this.#releaseChunk(importId, nowMs)
    }
    if (this.#releasing.size > 0) return
    this.#ticks?.cancel()
    this.#ticks = undefined
  }

  #releaseChunk(importId: string, nowMs: number): void {
    const upload = this.#uploads.get(importId)
    const chunk = this.#chunks.delete(chunkKey(importId, upload?.released ?? 0))
    if (!upload || !chunk) throw new Error(`upload ${importId} has no chunk ${upload?.released} to release`)
    let row = chunk.firstRow
    for (const fields of JSON.parse(chunk.rows) as RowFields[]) {
      // The same address must always meet the same task; a row without one can go anywhere.
      const key = normalizeEmail(fields[0]) || `${importId}:${row}`
      this.#context.forward(new Record(key, { importId, row, fields }, nowMs), TOPICS.jobs)
      row += 1
    }
    const released = { ...upload, released: upload.released + 1 }
    this.#uploads.put(importId, released)
    this.#maybeRelease(importId, released)
  }

  /** Nothing of it can come any more: its records are gone from the topic. */
  #forget(importId: string): void {
    const upload = this.#uploads.get(importId)
    if (this.#releasing.has(importId))
      return this.#timers.set(importId, this.#context.currentSystemTimeMs() + KEPT_MS)
    let left = upload ? upload.received - upload.released : 0
    for (let chunk = 0; left > 0 && chunk < CHUNKS_MAX; chunk += 1) {
      if (this.#chunks.delete(chunkKey(importId, chunk)) !== undefined) left -= 1
    }
    this.#uploads.delete(importId)
  }
}

function isComplete(upload: Upload): upload is Upload & { readonly end: UploadEnd } {
  return upload.end !== undefined && upload.received >= upload.end.chunks
}

function chunkKey(importId: string, chunk: number): string {
  return `${importId}/${chunk}`
}

export const releaseUploads: ProcessorSupplier<string | null, UploadRecord | null, string, Output> = {
  stores: [uploadStore, chunkStore, timerStore],
  get: () => new ReleaseUploads(),
}
