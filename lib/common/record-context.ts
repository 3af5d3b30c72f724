import type { Header } from './headers.ts'

/**
 * Where the record being processed came from. In a punctuator there is no record: `topic` is undefined there, and the time is
 * the punctuation's. Objects of this type are never changed once handed out, so that a cache may keep them.
 */
export interface RecordContext {
  readonly topic: string | undefined
  readonly partition: number
  readonly offset: number
  readonly timestamp: number
  readonly headers: readonly Header[]
  /** The bytes of the source record: for error handlers. */
  readonly source?: RawSource | undefined
}

export interface RawSource {
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
}
