import type { Buffer } from 'node:buffer'
import type { Socket } from 'node:net'
import type { Clock, Timer } from '../../../../common/clock.ts'
import { errorFrom } from '../../../../common/errors/errors.ts'
import { BrokerError } from '../../../broker-error.ts'
import { ByteReader } from '../../protocol/byte-reader.ts'
import { ByteWriter } from '../../protocol/byte-writer.ts'
import { FrameReader } from '../../protocol/frame-reader.ts'
import { MalformedError } from '../../protocol/malformed-error.ts'
import { malformedError } from '../../protocol/protocol-error.ts'
import { API_VERSIONS, type Api } from '../../protocol/protocol.ts'

const HEADER_BYTES_MAX = 512
/** A timer that is late by so much shows that the event loop was blocked. */
const BLOCKED_MS = 500
/** The time that a blocked event loop then gets to read what has arrived. */
const UNREAD_MS = 100

interface PendingRequest {
  readonly correlationId: number
  readonly api: Api
  readonly version: number
  readonly timeoutMs: number
  timer: Timer | undefined
  resolve(reader: ByteReader): void
  reject(error: BrokerError): void
}

export interface BrokerConnectionOptions {
  /** A socket that is connected. */
  readonly socket: Socket
  readonly address: string
  readonly clientId: string
  readonly clock: Clock
  readonly responseBytesMax: number
}

/**
 * Requests and their responses over one socket, in order. The first error ends the connection: pending
 * requests reject with it, and so do later ones.
 */
export class BrokerConnection {
  readonly address: string
  readonly #socket: Socket
  readonly #clientId: string
  readonly #clock: Clock
  readonly #frames: FrameReader
  /** Requests without an answer, in the order in which they were sent: a broker answers in that order. */
  readonly #pending: PendingRequest[] = []
  #nextCorrelationId = 1
  #isRetired = false
  #lastReadMs = -Infinity
  #error: BrokerError | undefined

  constructor({ socket, address, clientId, clock, responseBytesMax }: BrokerConnectionOptions) {
    this.address = address
    this.#socket = socket
    this.#clientId = clientId
    this.#clock = clock
    this.#frames = new FrameReader(responseBytesMax)
    socket.on('data', (chunk: Buffer) => this.#received(chunk))
    socket.on('error', error => this.#fail(this.#lost(error.message, error)))
    socket.on('close', () => this.#fail(this.#lost('the broker closed the connection')))
  }

  get isOpen(): boolean {
    return this.#error === undefined
  }

  /**
   * Resolves with a reader that stands at the body of the response. `timeoutMs` has to include the time that
   * the broker itself may wait.
   */
  request(
    api: Api,
    version: number,
    timeoutMs: number,
    write: (writer: ByteWriter) => void,
  ): Promise<ByteReader> {
    return new Promise((resolve, reject) => {
      if (this.#error) return reject(this.#error)
      const correlationId = this.#nextCorrelationId
      this.#nextCorrelationId = (correlationId + 1) & 0x7fffffff
      const pending: PendingRequest = {
        correlationId,
        api,
        version,
        timeoutMs,
        timer: undefined,
        resolve,
        reject,
      }
      this.#pending.push(pending)
      this.#watch(pending, timeoutMs)
      this.#write(encodeRequest(api, version, correlationId, this.#clientId, write))
    })
  }

  /** Closes the connection when all pending requests are answered. */
  retire(): void {
    this.#isRetired = true
    if (this.#pending.length === 0) this.close()
  }

  close(why = 'the connection was closed on this side'): void {
    this.#fail(this.#lost(why))
  }

  #write(parts: readonly Uint8Array[]): void {
    if (parts.length === 1) {
      this.#socket.write(parts[0]!)
      return
    }
    this.#socket.cork()
    for (const part of parts) this.#socket.write(part)
    this.#socket.uncork()
  }

  /**
   * Ends the connection when nothing was read for `timeoutMs`: a long answer over a slow line may take
   * longer, as long as bytes arrive. Where the event loop was blocked, the answer may be in the socket, which
   * is read after the timers.
   */
  #watch(pending: PendingRequest, waitMs: number): void {
    const dueMs = this.#clock.monotonicMs() + waitMs
    pending.timer = this.#clock.schedule(waitMs, () => {
      const { api, timeoutMs } = pending
      const nowMs = this.#clock.monotonicMs()
      const leftMs = nowMs - dueMs > BLOCKED_MS ? UNREAD_MS : this.#lastReadMs + timeoutMs - nowMs
      if (leftMs > 0) this.#watch(pending, leftMs)
      else this.#fail(this.#lost(`no answer to ${api.name} within ${timeoutMs} ms`))
    })
  }

  #received(chunk: Buffer): void {
    this.#lastReadMs = this.#clock.monotonicMs()
    try {
      this.#frames.push(chunk, frame => this.#answered(frame))
    } catch (reason) {
      this.#fail(malformedError(`${this.address}: ${errorFrom(reason).message}`, reason))
    }
  }

  #answered(frame: Buffer): void {
    const pending = this.#pending.shift()
    if (!pending) throw new MalformedError('a response to no request')
    const { api, version, correlationId, timer } = pending
    timer?.cancel()
    const answered = frame.readInt32BE(0)
    if (answered !== correlationId) {
      this.#pending.unshift(pending)
      throw new MalformedError(`a response to request ${answered} in place of ${correlationId}`)
    }
    // The header of an ApiVersions response has no tags in any version: it is read before the versions are
    // known.
    const flexible = version >= api.flexibleFrom
    const reader = new ByteReader(frame, 4, flexible)
    if (api !== API_VERSIONS) reader.tags()
    pending.resolve(reader)
    if (this.#isRetired) this.retire()
  }

  #fail(error: BrokerError): void {
    if (this.#error) return
    this.#error = error
    this.#socket.destroy()
    for (const { timer, reject } of this.#pending.splice(0)) {
      timer?.cancel()
      reject(error)
    }
  }

  #lost(why: string, cause?: Error): BrokerError {
    return new BrokerError('BROKER_UNREACHABLE', 'retriable', `${this.address}: ${why}`, { cause })
  }
}

function encodeRequest(
  api: Api,
  version: number,
  correlationId: number,
  clientId: string,
  write: (writer: ByteWriter) => void,
): readonly Uint8Array[] {
  const flexible = version >= api.flexibleFrom
  const writer = new ByteWriter(flexible, HEADER_BYTES_MAX)
  writer.int32(0).int16(api.key).int16(version).int32(correlationId).oldString(clientId).noTags()
  write(writer)
  const parts = writer.parts()
  let length = -4
  for (const part of parts) length += part.length
  writer.finish().writeInt32BE(length, 0)
  return parts
}
