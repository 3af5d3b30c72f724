import { systemClock, type Clock } from '../../common/clock.ts'
import { errorFrom } from '../../common/errors/errors.ts'
import type { Serde, SerdeContext } from '../serde.ts'
import { SerdeError } from '../serde-error.ts'
import { SerdePendingError } from '../serde-pending-error.ts'
import { claimBytes, inlineBytes, payloadId, readClaim } from './claim-format.ts'
import { PayloadCache } from './payload-cache.ts'
import type { PayloadStore } from './payload-store.ts'

export interface ClaimCheckOptions<T> {
  readonly payloads: PayloadStore
  /** Serde of the values. What it writes for a value must be the same each time. */
  readonly serde: Serde<T>
  /** Values of more bytes go to the store. */
  readonly thresholdBytes: number
  /** Memory for payloads that were read. Default 64 MiB; the last one is kept whatever its size. */
  readonly cacheBytesMax?: number
  /** How often a store that does not answer is asked again, before the application ends. Default 10. */
  readonly retriesMax?: number
}

/** The objects that a claim check works with; tests give a manual clock. */
export interface ClaimCheckComponents {
  readonly clock?: Clock
}

/** Ids that are known to be stored, at most. A value is sent soon after it was stored. */
const STORED_MAX = 100_000
const FIRST_PAUSE_MS = 100
const PAUSE_MS_MAX = 10_000

/**
 * Keeps large values out of topics: they go to a payload store, and their records hold a claim of 40 bytes.
 * Serdes are synchronous, and the store is not: so a value is stored before it is sent, by `checkIn` in a
 * `mapValuesAsync`; and a record whose payload is not here yet makes its partition wait, while others go on.
 */
export class ClaimCheck<T> {
  /** For sources and sinks, and topics between sub-topologies. Not for stores, which cannot wait. */
  readonly serde: Serde<T>
  readonly #options: ClaimCheckOptions<T>
  readonly #clock: Clock
  readonly #stored = new Set<string>()
  readonly #cache: PayloadCache
  readonly #loads = new Map<string, Promise<void>>()
  /** Payloads that cannot be had. Each is told once: its store is asked again the next time. */
  readonly #failed = new Map<string, SerdeError>()

  constructor(options: ClaimCheckOptions<T>, { clock = systemClock }: ClaimCheckComponents = {}) {
    const { serde, thresholdBytes, cacheBytesMax = 64 * 1024 * 1024, retriesMax = 10 } = options
    checkWhole('thresholdBytes', thresholdBytes)
    checkWhole('cacheBytesMax', cacheBytesMax)
    checkWhole('retriesMax', retriesMax)
    this.#options = options
    this.#clock = clock
    this.#cache = new PayloadCache(cacheBytesMax)
    this.serde = {
      name: `claim check of ${serde.name}`,
      serialize: (value, context) => this.#serialize(value, context),
      deserialize: (bytes, context) => this.#deserialize(bytes, context),
    }
  }

  /**
   * Stores a large value, and resolves with it when it may be sent. Rejects with what the store rejects with:
   * `retry` of the operator decides about it.
   */
  async checkIn(value: T): Promise<T> {
    const bytes = this.#options.serde.serialize(value, { topic: 'a payload store' })
    if (bytes.length <= this.#options.thresholdBytes) return value
    const id = payloadId(bytes)
    if (!this.#stored.has(id)) await this.#options.payloads.put(id, bytes)
    this.#remember(id)
    return value
  }

  #serialize(value: T, context: SerdeContext): Uint8Array {
    const { serde, thresholdBytes } = this.#options
    const bytes = serde.serialize(value, context)
    if (bytes.length <= thresholdBytes) return inlineBytes(bytes)
    const id = payloadId(bytes)
    if (this.#stored.has(id)) return claimBytes(id)
    throw new SerdeError(
      'CLAIM_NOT_STORED',
      `a value of ${bytes.length} bytes for "${context.topic}" is larger than thresholdBytes, ${thresholdBytes}, and is not in its payload ` +
        'store: send it through mapValuesAsync(value => claims.checkIn(value)) before, and do not change it afterwards',
    )
  }

  #deserialize(bytes: Uint8Array, context: SerdeContext): T {
    const { serde } = this.#options
    const claim = readClaim(bytes)
    if (claim === undefined) {
      throw new SerdeError(
        'SERDE_DATA',
        `${bytes.length} bytes of "${context.topic}" begin as a claim, and are none`,
      )
    }
    if ('value' in claim) return serde.deserialize(claim.value, context)
    const { id } = claim
    const payload = this.#cache.get(id)
    if (payload) return serde.deserialize(payload, context)
    const failure = this.#failed.get(id)
    this.#failed.delete(id)
    if (failure) throw failure
    throw new SerdePendingError(`payload ${id} of "${context.topic}" is not loaded yet`, this.#load(id))
  }

  #load(id: string): Promise<void> {
    const known = this.#loads.get(id)
    if (known) return known
    const load = this.#read(id).finally(() => this.#loads.delete(id))
    this.#loads.set(id, load)
    return load
  }

  async #read(id: string): Promise<void> {
    const payload = await this.#ask(id)
    if (payload === undefined) {
      this.#failed.set(id, new SerdeError('CLAIM_GONE', `payload ${id} is gone from its store`))
    } else if (payloadId(payload) !== id) {
      const what = `payload ${id} is damaged: its store has ${payload.length} other bytes`
      this.#failed.set(id, new SerdeError('CLAIM_DAMAGED', what))
    } else {
      this.#cache.add(id, payload)
      this.#remember(id)
    }
  }

  async #ask(id: string): Promise<Uint8Array | undefined> {
    const { payloads, retriesMax = 10 } = this.#options
    for (let tries = 0; ; tries += 1) {
      try {
        return await payloads.get(id)
      } catch (error) {
        if (tries === retriesMax) {
          const what = `payload ${id} cannot be read after ${tries + 1} tries: ${errorFrom(error).message}`
          throw new SerdeError('PAYLOADS_UNAVAILABLE', what, { cause: error })
        }
        await this.#clock.sleep(Math.min(PAUSE_MS_MAX, FIRST_PAUSE_MS * 2 ** tries))
      }
    }
  }

  #remember(id: string): void {
    this.#stored.delete(id)
    this.#stored.add(id)
    if (this.#stored.size <= STORED_MAX) return
    for (const oldest of this.#stored) {
      this.#stored.delete(oldest)
      return
    }
  }
}

function checkWhole(name: string, value: number): void {
  if (Number.isSafeInteger(value) && value >= 0) return
  throw new TypeError(`${name} is ${String(value)}: it must be a whole number of 0 or more`)
}
