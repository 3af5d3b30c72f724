/** Payloads that were read, as many as there is room for, but at least the last one: it is waited for. */
export class PayloadCache {
  readonly #bytesMax: number
  readonly #payloads = new Map<string, Uint8Array>()
  #bytes = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  get(id: string): Uint8Array | undefined {
    const payload = this.#payloads.get(id)
    if (payload === undefined) return undefined
    // The last in the map is the one used last.
    this.#payloads.delete(id)
    this.#payloads.set(id, payload)
    return payload
  }

  add(id: string, payload: Uint8Array): void {
    if (this.#payloads.has(id)) return
    this.#payloads.set(id, payload)
    this.#bytes += payload.length
    for (const [oldest, { length }] of this.#payloads) {
      if (this.#bytes <= this.#bytesMax || oldest === id) return
      this.#payloads.delete(oldest)
      this.#bytes -= length
    }
  }
}
