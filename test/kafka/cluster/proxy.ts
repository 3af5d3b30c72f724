import type { Buffer } from 'node:buffer'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ClusterAddresses, NodeId } from './cluster.ts'
import { FrameReader } from './frame-reader.ts'

/** Numbers of Kafka's requests. */
export const API = {
  produce: 0,
  fetch: 1,
  offsetCommit: 8,
  heartbeat: 12,
  joinGroup: 11,
  addPartitionsToTxn: 24,
  endTxn: 26,
  txnOffsetCommit: 28,
} as const

export type Api = keyof typeof API

/**
 * What becomes of an answer: it comes when `release` is called, never while the connection stays open, or
 * never because the connection is cut in its place. The broker has done what was asked in every case.
 */
export type Fate = 'hold' | 'drop' | 'cut'

interface Order {
  readonly api: Api
  readonly fate: Fate
  left: number
}

interface Waiting {
  readonly link: Link
  readonly frame: Buffer
}

/** Stands between applications and the listeners of all nodes that are for it. */
export class Proxy {
  readonly brokers: string
  readonly #servers: Server[] = []
  readonly #links = new Set<Link>()
  readonly #orders: Order[] = []
  #held: Waiting[] = []
  /** Of each answer and each request. */
  #delayMs = 0
  #refusing = false
  /** How many answers met a fate that was ordered. */
  struck = 0

  private constructor(brokers: string) {
    this.brokers = brokers
  }

  /** Once for as long as the cluster is used: nobody else may take the ports that the brokers advertise. */
  static async open({ proxied }: ClusterAddresses): Promise<Proxy> {
    const proxy = new Proxy(proxied.map(({ advertisedPort }) => `127.0.0.1:${advertisedPort}`).join(','))
    try {
      for (const { node, port, advertisedPort } of proxied) await proxy.#listen(node, port, advertisedPort)
    } catch (reason) {
      await proxy.close()
      throw reason
    }
    return proxy
  }

  /** As it was opened: nothing is ordered, late or refused, and no connection is left. */
  reset(): void {
    this.#orders.length = 0
    this.#held = []
    this.#delayMs = 0
    this.#refusing = false
    this.struck = 0
    this.cut()
  }

  /** From now on, each way. Order is kept. */
  delay(ms: number): void {
    this.#delayMs = ms
  }

  /** The next `count` answers of this kind, of any node. */
  strike(api: Api, fate: Fate, count = 1): void {
    this.#orders.push({ api, fate, left: count })
  }

  /** Lets answers go that were held, those held later too. */
  release(): void {
    this.#orders.length = 0
    for (const { link, frame } of this.#held) link.answer(frame)
    this.#held = []
  }

  /** Ends every connection by a reset; new ones are taken, unless `refuse` is on. */
  cut(): void {
    for (const link of this.#links) link.destroy()
  }

  /** Whether new connections are closed at once. */
  refuse(on: boolean): void {
    this.#refusing = on
  }

  /**
   * The broker's side ends every connection in order; the application's is still read, and answered nothing.
   */
  halfClose(): void {
    for (const link of this.#links) link.halfClose()
  }

  async close(): Promise<void> {
    this.cut()
    await Promise.all(this.#servers.map(server => new Promise(resolve => server.close(resolve))))
  }

  async #listen(node: NodeId, port: number, advertisedPort: number): Promise<void> {
    const server = createServer({ allowHalfOpen: true, noDelay: true }, client => {
      if (this.#refusing) return void client.destroy()
      const link = new Link(client, connect({ port, host: '127.0.0.1', noDelay: true }), {
        delayMs: () => this.#delayMs,
        answered: (api, frame, itself) => this.#judge(api, frame, itself),
        gone: itself => this.#links.delete(itself),
      })
      this.#links.add(link)
    })
    this.#servers.push(server)
    await new Promise<void>((resolve, reject) => {
      server.once('error', reason => reject(new Error(`the proxy of node ${node}`, { cause: reason })))
      server.listen(advertisedPort, '127.0.0.1', resolve)
    })
  }

  #judge(api: number, frame: Buffer, link: Link): void {
    const order = this.#orders.find(each => API[each.api] === api && each.left > 0)
    if (!order) return link.answer(frame)
    order.left -= 1
    this.struck += 1
    if (order.fate === 'hold') this.#held.push({ link, frame })
    if (order.fate === 'cut') link.destroy()
  }
}

interface LinkOptions {
  delayMs(): number
  answered(api: number, frame: Buffer, link: Link): void
  gone(link: Link): void
}

/** One connection of an application, and ours to the broker in its name. */
class Link {
  readonly #client: Socket
  readonly #broker: Socket
  readonly #options: LinkOptions
  /** API of each request without its answer, by correlation id. */
  readonly #asked = new Map<number, number>()
  #halfClosed = false
  /** Delayed writes of each way, one after the other. */
  #toClient: Promise<void> = Promise.resolve()
  #toBroker: Promise<void> = Promise.resolve()

  constructor(client: Socket, broker: Socket, options: LinkOptions) {
    this.#client = client
    this.#broker = broker
    this.#options = options
    const requests = new FrameReader(frame => this.#ask(frame))
    const answers = new FrameReader(frame => this.#take(frame))
    client.on('data', chunk => requests.push(chunk))
    broker.on('data', chunk => answers.push(chunk))
    for (const side of [client, broker]) {
      side.on('error', () => undefined)
      side.once('close', () => this.destroy())
      side.once('end', () => {
        if (!this.#halfClosed) this.destroy()
      })
    }
  }

  answer(frame: Buffer): void {
    this.#toClient = this.#later(this.#toClient, () => this.#write(this.#client, frame))
  }

  halfClose(): void {
    this.#halfClosed = true
    this.#client.end()
  }

  destroy(): void {
    this.#client.resetAndDestroy()
    this.#broker.destroy()
    this.#options.gone(this)
  }

  #ask(frame: Buffer): void {
    if (this.#halfClosed) return
    // A frame is its length, then the request's header: api key, version, correlation id.
    this.#asked.set(frame.readInt32BE(8), frame.readInt16BE(4))
    this.#toBroker = this.#later(this.#toBroker, () => this.#write(this.#broker, frame))
  }

  #take(frame: Buffer): void {
    if (this.#halfClosed) return
    const correlationId = frame.readInt32BE(4)
    const api = this.#asked.get(correlationId) ?? -1
    this.#asked.delete(correlationId)
    this.#options.answered(api, frame, this)
  }

  #later(before: Promise<void>, write: () => void): Promise<void> {
    const delayMs = this.#options.delayMs()
    const due = performance.now() + delayMs
    return before.then(async () => {
      const restMs = due - performance.now()
      if (restMs > 0) await sleep(restMs)
      write()
    })
  }

  #write(socket: Socket, frame: Buffer): void {
    if (socket.writable) socket.write(frame)
  }
}
