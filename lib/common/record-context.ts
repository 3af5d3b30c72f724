import type { Buffer } from 'node:buffer'
import type { Header } from './headers.ts'

/**
 * The origin of the record being processed. In a punctuator there is no record: `topic` is undefined there,
 * and the time is the punctuation's. Objects of this type are never changed once handed out, so that a cache
 * may keep them.
 */
export interface RecordContext {
  readonly topic: string | undefined
  readonly partition: number
  readonly offset: number
  readonly timestamp: number
  readonly headers: readonly Header[]
  /** The bytes of the source record: for error handlers. */
  readonly source?: RawSource | undefined
  /** Place from which it was read, where that is not its own: a dead letter that is replayed. */
  readonly readAt?: RecordPlace | undefined
}

export interface RecordPlace {
  readonly topic: string
  readonly partition: number
  readonly offset: number
}

export interface RawSource {
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
}

/** Key and value in a larger buffer; an end before its start stands for null. */
export interface SourceInBuffer extends RawSource {
  readonly buffer: Buffer
  readonly keyStart: number
  readonly keyEnd: number
  readonly valueStart: number
  readonly valueEnd: number
}

/** The place of a key's bytes. */
export type KeyInBuffer = Pick<SourceInBuffer, 'buffer' | 'keyStart' | 'keyEnd'>

export function isInBuffer<T extends RawSource>(source: T): source is T & SourceInBuffer {
  return (source as Partial<SourceInBuffer>).buffer !== undefined
}
