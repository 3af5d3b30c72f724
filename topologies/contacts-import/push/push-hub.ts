import type { Clock, KafkaStreams, Logger, ReadOnlyKeyValueStore, Timer } from 'millrace'
import type { Subscription } from 'rxjs'
import type { WebSocket } from 'ws'
import { channelOfPushKey, pushKey } from '../keys.ts'
import { pushLogStore } from '../push-log.ts'
import type { PushEvent } from '../records.ts'
import { PushClient } from './push-client.ts'

const HEARTBEAT_MS = 30_000
const GOING_AWAY = 1001
const TRY_AGAIN_LATER = 1013

/**
 * Carries events from this process's copy of the push log to the browsers connected to it: any process serves
 * any channel, and a browser that comes back to another one goes on there.
 */
export class PushHub implements AsyncDisposable {
  readonly #log: ReadOnlyKeyValueStore<string, PushEvent>
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #channels = new Map<string, Set<PushClient>>()
  readonly #changes: Subscription
  #heartbeat: Timer

  constructor(streams: KafkaStreams, clock: Clock, logger: Logger) {
    this.#log = streams.store(pushLogStore.name)
    this.#clock = clock
    this.#logger = logger
    this.#changes = streams.changes<string, PushEvent>(pushLogStore.name).subscribe(({ key, value }) => {
      // Null: dropped from the log, where browsers have had it long ago.
      if (value) for (const client of this.#clientsOf(channelOfPushKey(key))) client.offer(value)
    })
    this.#heartbeat = this.#schedule()
  }

  /** Serves the socket from now on: first what lies behind `lastSeq`, then what comes. */
  async serve(socket: WebSocket, channel: string, lastSeq: number): Promise<void> {
    const client = new PushClient(socket, lastSeq)
    // Before the log is read: what comes meanwhile is in the log, or offered, or both, and numbers sort that
    // out.
    const clients = this.#clientsOf(channel)
    this.#channels.set(channel, clients.add(client))
    socket.on('close', () => {
      clients.delete(client)
      if (clients.size === 0) this.#channels.delete(channel)
    })
    socket.on('error', error => this.#logger.log('debug', `a socket failed: ${error.message}`))
    try {
      await client.replay(
        this.#log.range(pushKey(channel, lastSeq + 1), pushKey(channel, Number.MAX_SAFE_INTEGER)),
      )
    } catch (error) {
      this.#logger.log('warn', 'the events of a channel could not be read', { error })
      client.close(TRY_AGAIN_LATER, 'not available')
    }
  }

  /** Tells every browser to come back elsewhere. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#changes.unsubscribe()
    this.#heartbeat.cancel()
    for (const client of this.#all()) client.close(GOING_AWAY, 'going away')
  }

  /** For those that did not answer the farewell. */
  terminateAll(): void {
    for (const client of this.#all()) client.terminate()
  }

  #clientsOf(channel: string): Set<PushClient> {
    return this.#channels.get(channel) ?? new Set()
  }

  #all(): PushClient[] {
    return [...this.#channels.values()].flatMap(clients => [...clients])
  }

  #schedule(): Timer {
    return this.#clock.schedule(HEARTBEAT_MS, () => {
      for (const client of this.#all()) client.checkAlive()
      this.#heartbeat = this.#schedule()
    })
  }
}
