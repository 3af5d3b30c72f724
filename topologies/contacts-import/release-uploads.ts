import { Buffer } from 'node:buffer'
import { Record, type ProcessorContext, type ProcessorSupplier } from 'millrace'
import { guarded } from '../processors/guarded.ts'
import { normalizeEmail } from './email-address.ts'
import type { ImportJob, ImportStart, RowFields, UploadChunk, UploadRecord } from './records.ts'
import type { ImportSettings } from './settings.ts'
import { TOPICS } from './topics.ts'
import { isComplete, isReleased, Uploads, uploadStores, type CompleteUpload } from './uploads.ts'

/** An import has 1,000,000 rows at most and a chunk one at least. */
const CHUNK_INDEX_MAX = 1_000_000
const EXPIRY_CHECKS = 10

/**
 * Keyed by import. Keeps the chunks of an upload until its last record says how many there must be; only when
 * all are here the import becomes real: its start is told, and its rows go on as jobs.
 *
 * They go a few chunks at a time, each import in its turn: releasing 1,000,000 rows at once would hold the
 * event loop for seconds, outgrow a transaction, and make a small import behind a large one wait.
 */
class ReleaseUploads {
  readonly #context: ProcessorContext<string, ImportStart | ImportJob>
  readonly #settings: ImportSettings
  readonly #uploads: Uploads
  readonly #startedMs: number
  readonly #releasing = new Set<string>()

  constructor(context: ProcessorContext<string, ImportStart | ImportJob>, settings: ImportSettings) {
    this.#context = context
    this.#settings = settings
    this.#uploads = new Uploads(context)
    this.#startedMs = context.currentSystemTimeMs()
    const type = 'wall-clock-time'
    context.schedule({ intervalMs: settings.releaseIntervalMs, type }, nowMs => this.#release(nowMs))
    const intervalMs = Math.ceil(settings.uploadExpiryMs / EXPIRY_CHECKS)
    context.schedule({ intervalMs, type }, nowMs => this.#expire(nowMs))
    for (const [importId, upload] of this.#uploads.all()) {
      if (isComplete(upload) && !isReleased(upload)) this.#releasing.add(importId)
    }
  }

  process({ key: importId, value, timestamp }: Record<string, UploadRecord>): void {
    const uploads = this.#uploads
    const before = uploads.get(importId)
    // All of it has been told already.
    if (before && isComplete(before)) return
    const nowMs = this.#context.currentSystemTimeMs()
    const upload =
      value.kind === 'chunk'
        ? uploads.addChunk(importId, value, nowMs)
        : uploads.addEnd(importId, value, nowMs)
    if (isComplete(upload)) this.#start(importId, upload, timestamp)
  }

  #start(importId: string, { end }: CompleteUpload, timestamp: number): void {
    const { chunks, total, channel, fileName } = end
    const start = { total, channel, startedAt: timestamp, ...(fileName === undefined ? {} : { fileName }) }
    this.#context.forward(new Record(importId, start, timestamp), TOPICS.starts)
    if (chunks > 0) this.#releasing.add(importId)
  }

  #release(nowMs: number): void {
    let budget = this.#settings.chunksPerRelease
    while (budget > 0 && this.#releasing.size > 0) {
      for (const importId of this.#releasing) {
        if (budget === 0) break
        budget -= 1
        this.#releaseChunk(importId, nowMs)
      }
    }
  }

  #releaseChunk(importId: string, nowMs: number): void {
    const { chunk, upload } = this.#uploads.takeChunk(importId)
    this.#forwardRows(importId, chunk, nowMs)
    // To the end of the queue, unless it was the last one.
    this.#releasing.delete(importId)
    if (!isReleased(upload)) this.#releasing.add(importId)
  }

  #forwardRows(importId: string, { firstRow, rows }: UploadChunk, nowMs: number): void {
    const parsed = JSON.parse(Buffer.from(rows).toString('utf8')) as RowFields[]
    let row = firstRow
    for (const fields of parsed) {
      const job: ImportJob = { importId, row, fields }
      // The same address must always meet the same task; a row without one can go anywhere.
      const key = normalizeEmail(fields[0]) || `${importId}:${row}`
      this.#context.forward(new Record(key, job, nowMs), TOPICS.jobs)
      row += 1
    }
  }

  /**
   * Unfinished uploads expire; what is released stays as long, so that a record sent again finds it. Age
   * counts from this task's start at the earliest: after a long stop, the rest of the upload may lie in the
   * topic, unread.
   */
  #expire(nowMs: number): void {
    for (const [importId, upload] of this.#uploads.all()) {
      const isDue = Math.max(upload.lastAt, this.#startedMs) + this.#settings.uploadExpiryMs <= nowMs
      const isWaiting = !isComplete(upload) || isReleased(upload)
      if (isDue && isWaiting) this.#uploads.forget(importId, CHUNK_INDEX_MAX)
    }
  }
}

export function releaseUploads(
  settings: ImportSettings,
): ProcessorSupplier<string | null, UploadRecord | null, string, ImportStart | ImportJob> {
  return guarded({
    stores: Object.values(uploadStores),
    make: context => new ReleaseUploads(context, settings),
  })
}
