import { serdes, stores, type KeyValueStore, type ProcessorContext } from 'millrace'
import { numberedKey } from './keys.ts'
import type { UploadChunk, UploadEnd } from './records.ts'
import { chunkSerde } from './upload-serde.ts'

/** What is known of one upload. Times are milliseconds since the epoch. */
export interface Upload {
  /** Distinct chunks that came. */
  readonly received: number
  /** Chunks that went on to be jobs, from the first on; those are no longer in the store. */
  readonly released: number
  /** When the last chunk, or the end, came. */
  readonly lastAt: number
  /** Once it came; until then the upload is unfinished. */
  readonly end?: UploadEnd
}

/** All its chunks have come, and its end. */
export type CompleteUpload = Upload & { readonly end: UploadEnd }

export const uploadStores = {
  uploads: stores.keyValueStore<string, Upload>({
    name: 'uploads',
    keySerde: serdes.string(),
    valueSerde: serdes.json(),
  }),
  chunks: stores.keyValueStore<string, UploadChunk>({
    name: 'upload-chunks',
    keySerde: serdes.string(),
    valueSerde: chunkSerde,
    ranges: false,
  }),
}

/**
 * The uploads of one task and their chunks. Chunks are counted distinct: one that is sent again changes
 * nothing.
 */
export class Uploads {
  readonly #uploads: KeyValueStore<string, Upload>
  readonly #chunks: KeyValueStore<string, UploadChunk>

  constructor(context: Pick<ProcessorContext, 'getStateStore'>) {
    this.#uploads = context.getStateStore(uploadStores.uploads)
    this.#chunks = context.getStateStore(uploadStores.chunks)
  }

  all(): Iterable<readonly [string, Upload]> {
    return this.#uploads.all()
  }

  get(importId: string): Upload | undefined {
    return this.#uploads.get(importId)
  }

  addChunk(importId: string, chunk: UploadChunk, nowMs: number): Upload {
    const upload = this.#uploads.get(importId) ?? { received: 0, released: 0, lastAt: nowMs }
    const key = numberedKey(importId, chunk.index)
    if (chunk.index < upload.released || this.#chunks.get(key) !== undefined) return upload
    this.#chunks.put(key, chunk)
    return this.#put(importId, { ...upload, received: upload.received + 1, lastAt: nowMs })
  }

  addEnd(importId: string, end: UploadEnd, nowMs: number): Upload {
    const upload = this.#uploads.get(importId) ?? { received: 0, released: 0, lastAt: nowMs }
    if (upload.end) return upload
    return this.#put(importId, { ...upload, end, lastAt: nowMs })
  }

  /**
   * Takes the next chunk out; `upload` is what it is without it. Only for a complete upload that is not all
   * released.
   */
  takeChunk(importId: string): { readonly chunk: UploadChunk; readonly upload: Upload } {
    const upload = this.#uploads.get(importId)
    const key = numberedKey(importId, upload?.released ?? 0)
    const chunk = this.#chunks.delete(key)
    if (!upload || !chunk) throw new Error(`upload ${importId} has no chunk ${key} to release`)
    return { chunk, upload: this.#put(importId, { ...upload, released: upload.released + 1 }) }
  }

  /** Deletes the upload and what is left of its chunks. `chunkIndexMax`: the highest index there can be. */
  forget(importId: string, chunkIndexMax: number): void {
    const upload = this.#uploads.get(importId)
    let left = upload ? upload.received - upload.released : 0
    for (let index = upload?.released ?? 0; left > 0 && index <= chunkIndexMax; index += 1) {
      if (this.#chunks.delete(numberedKey(importId, index)) !== undefined) left -= 1
    }
    this.#uploads.delete(importId)
  }

  #put(importId: string, upload: Upload): Upload {
    this.#uploads.put(importId, upload)
    return upload
  }
}

export function isComplete(upload: Upload): upload is CompleteUpload {
  return upload.end !== undefined && upload.received >= upload.end.chunks
}

export function isReleased({ end, released }: Upload): boolean {
  return end !== undefined && released >= end.chunks
}
