/**
 * Where payloads are that are too large for a topic. An id is the hash of its bytes, so that storing them
 * again changes nothing.
 */
export interface PayloadStore {
  /** Resolves when the bytes are safe. Where they are there already it renews their age, if it keeps one. */
  put(id: string, bytes: Uint8Array): Promise<void>
  /** Undefined: there is no such payload. Rejects where the store does not answer, and is asked again. */
  get(id: string): Promise<Uint8Array | undefined>
}
