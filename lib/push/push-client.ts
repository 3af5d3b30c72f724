import type { Clock, Timer } from '../common/clock.ts'
import { errorFrom } from '../common/errors/errors.ts'
import type { PushEvent } from '../dsl/push/push-event.ts'
import { eventMessage, gapMessage } from './push-message.ts'
import type { PushMetrics } from './push-metrics.ts'
import { TRY_AGAIN_LATER, type Transport } from './transport.ts'

/** Time that a slow client has to read why it is let go of. */
const FAREWELL_MS = 5_000

export interface PushClientOptions {
  readonly transport: Transport
  /** What the client has seen. */
  readonly lastSeq: number
  /** Reads the channel's events from a number on, in order. */
  readonly read: (fromSeq: number) => AsyncIterable<PushEvent>
  readonly limits: SlowLimits
  readonly clock: Clock
  readonly metrics: PushMetrics
  readonly onReadError: (error: Error) => void
}

/** What is done about a client that reads more slowly than events come. */
export interface SlowLimits {
  /** Bytes that wait for one client: with more nothing is sent until half of them are taken. */
  readonly clientBytesMax: number
  /** A client for which nothing was sent for so long gets only the newest of events that can be merged. */
  readonly mergeAfterMs: number
  /** After so long it is told to come back later. */
  readonly disconnectAfterMs: number
}

/**
 * One client on one channel. It gets each event behind `lastSeq` once, by rising number, or is told which do
 * not come.
 *
 * Nothing is held for it but what its connection holds: while that has too much, events stay in the log of
 * this process, from which they are read when there is room again. So the memory of a client has a bound,
 * and its slowness costs nobody else anything.
 */
export class PushClient {
  readonly #options: PushClientOptions
  #lastSeq: number
  /** The newest number of the channel that is known. */
  #latest = 0
  #isReading = false
  #isClosed = false
  /** When its connection became too full; undefined while it is not. */
  #fullSinceMs: number | undefined
  #timer: Timer | undefined
  /** Whether the next read leaves out what newer events stand for. */
  #merges = false

  constructor(options: PushClientOptions) {
    this.#options = options
    this.#lastSeq = options.lastSeq
    options.transport.onDrain = () => this.#drained()
  }

  /** Sends what happened before. */
  start(): void {
    void this.#catchUp()
  }

  /** An event that has just come. */
  offer(event: PushEvent): void {
    this.#latest = Math.max(this.#latest, event.seq)
    if (this.#isClosed || this.#isReading || this.#fullSinceMs !== undefined) return
    if (event.seq === this.#lastSeq + 1) this.#send(event)
    else if (event.seq > this.#lastSeq) void this.#catchUp()
  }

  /** A sign of life; ends a connection whose client is gone. One that is full has its own limit. */
  beat(): void {
    if (this.#fullSinceMs !== undefined || this.#options.transport.beat()) return
    this.#options.metrics.silent.add()
    this.#options.transport.terminate()
  }

  close(code: number, reason: string): void {
    this.closed()
    this.#options.transport.close(code, reason)
  }

  terminate(): void {
    this.closed()
    this.#options.transport.terminate()
  }

  /** The connection has ended. */
  closed(): void {
    this.#isClosed = true
    this.#timer?.cancel()
  }

  /** Reads what is behind the last number, until the client has all of it or its connection is full. */
  async #catchUp(): Promise<void> {
    if (this.#isReading) return
    this.#isReading = true
    try {
      for (let goesOn = true; goesOn && this.#mayGoOn;) {
        const before = this.#lastSeq
        const isComplete = await this.#readOnce()
        // What is known and not in the log is too old: it comes as a gap with the next event.
        goesOn = !isComplete || (this.#lastSeq > before && this.#lastSeq < this.#latest)
      }
    } catch (reason) {
      if (this.#isClosed) return
      this.#options.onReadError(errorFrom(reason))
      this.close(TRY_AGAIN_LATER, 'not available')
    } finally {
      this.#isReading = false
    }
  }

  get #mayGoOn(): boolean {
    return !this.#isClosed && this.#fullSinceMs === undefined
  }

  /** Returns whether it has sent all that was there. */
  async #readOnce(): Promise<boolean> {
    const { read, metrics } = this.#options
    metrics.ranges.add()
    const merges = this.#merges
    this.#merges = false
    let events: AsyncIterable<PushEvent> | PushEvent[] = read(this.#lastSeq + 1)
    if (merges) {
      const all = await toArray(events)
      events = newestOf(all)
      metrics.merged.add(all.length - events.length)
    }
    for await (const event of events) {
      if (!this.#mayGoOn) return false
      this.#send(event)
    }
    return true
  }

  #send(event: PushEvent): void {
    if (event.seq <= this.#lastSeq) return
    const { transport, metrics } = this.#options
    const missed = event.seq - this.#lastSeq - 1
    if (missed > 0) {
      transport.send(gapMessage(this.#lastSeq + 1, event.seq - 1))
      metrics.skipped.add(missed)
    }
    this.#lastSeq = event.seq
    transport.send(eventMessage(event))
    metrics.sent.add()
    if (transport.waitingBytes > this.#options.limits.clientBytesMax) this.#full()
  }

  #full(): void {
    if (this.#fullSinceMs !== undefined) return
    const { clock, limits } = this.#options
    this.#fullSinceMs = clock.monotonicMs()
    const giveUp = () => this.#giveUp()
    this.#timer = clock.schedule(limits.disconnectAfterMs, giveUp, { keepsAlive: false })
  }

  /** The farewell lies behind all that was not read: it is given a moment, and no more. */
  #giveUp(): void {
    const { transport, metrics, clock } = this.#options
    metrics.slow.add()
    this.close(TRY_AGAIN_LATER, 'too slow')
    this.#timer = clock.schedule(FAREWELL_MS, () => transport.terminate(), { keepsAlive: false })
  }

  #drained(): void {
    if (this.#fullSinceMs === undefined || this.#isClosed) return
    const { transport, limits, clock } = this.#options
    if (transport.waitingBytes > limits.clientBytesMax / 2) return
    const merges = clock.monotonicMs() - this.#fullSinceMs >= limits.mergeAfterMs
    this.#fullSinceMs = undefined
    this.#merges = merges
    this.#timer?.cancel()
    void this.#catchUp()
  }
}

async function toArray<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

/** Leaves out events for which a newer one stands. */
function newestOf(events: readonly PushEvent[]): PushEvent[] {
  const newest = new Map<string, number>()
  for (const { mergeKey, seq } of events) if (mergeKey !== undefined) newest.set(mergeKey, seq)
  return events.filter(({ mergeKey, seq }) => mergeKey === undefined || newest.get(mergeKey) === seq)
}
