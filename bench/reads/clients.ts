import { Buffer } from 'node:buffer'
import { connect, type Socket } from 'node:net'
import { createHistogram } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'

export interface LoadOptions {
  readonly port: number
  /** Requests a second, over all connections. */
  readonly rate: number
  readonly seconds: number
  readonly connections: number
  /** Paths, of which each request takes one by chance. */
  readonly pathOf: () => string
}

/** What requests at a steady rate got. */
export interface Load {
  readonly requests: number
  /** Answers that were not 200, and connections that broke. */
  readonly failed: number
  readonly seconds: number
  /** Milliseconds from the moment at which a request was due, so that a server that stalls cannot hide it. */
  readonly p50Ms: number
  readonly p99Ms: number
  readonly p999Ms: number
  readonly maxMs: number
}

const TICK_MS = 1
const DRAIN_MS = 10_000

/**
 * Asks at a steady rate over connections that are kept alive, one request at a time on each. In a process of
 * its own: what clients cost must not be the server's affair.
 */
export async function runLoad(options: LoadOptions): Promise<Load> {
  const { port, rate, seconds, connections, pathOf } = options
  const histogram = createHistogram()
  const counts = { requests: 0, failed: 0 }
  const idle: Connection[] = []
  /** When requests were due that no connection was free for, the oldest first. */
  const waiting: number[] = []
  const finished = (connection: Connection, dueMs: number, isGood: boolean) => {
    counts.requests += 1
    if (!isGood) counts.failed += 1
    histogram.record(Math.max(1, Math.round((performance.now() - dueMs) * 1000)))
    const next = waiting.shift()
    if (next === undefined) idle.push(connection)
    else connection.ask(pathOf(), next)
  }
  const opened = await Promise.all(Array.from({ length: connections }, () => Connection.open(port, finished)))
  idle.push(...opened)
  const startMs = performance.now()
  const endMs = startMs + seconds * 1000
  let due = startMs
  while (due < endMs) {
    const nowMs = performance.now()
    for (; due <= nowMs && due < endMs; due += 1000 / rate) {
      const connection = idle.pop()
      if (connection) connection.ask(pathOf(), due)
      else waiting.push(due)
    }
    await sleep(TICK_MS)
  }
  const elapsed = (performance.now() - startMs) / 1000
  for (let waitedMs = 0; idle.length < connections && waitedMs < DRAIN_MS; waitedMs += 10) await sleep(10)
  for (const connection of opened) connection.close()
  const at = (percentile: number) => histogram.percentile(percentile) / 1000
  const unanswered = connections - idle.length + waiting.length
  return {
    ...{ requests: counts.requests, failed: counts.failed + unanswered, seconds: elapsed },
    ...{ p50Ms: at(50), p99Ms: at(99), p999Ms: at(99.9), maxMs: histogram.max / 1000 },
  }
}

type Finished = (connection: Connection, dueMs: number, isGood: boolean) => void

const HEAD_END = Buffer.from('\r\n\r\n')

/** An HTTP connection that asks one thing after the other, and looks at status and length alone. */
class Connection {
  readonly #socket: Socket
  readonly #finished: Finished
  #dueMs = 0
  #isGood = false
  /** Bytes of the answer that are still to come; undefined: its head is not there yet. */
  #left: number | undefined
  #head: Buffer = Buffer.alloc(0)

  private constructor(socket: Socket, finished: Finished) {
    this.#socket = socket
    this.#finished = finished
    socket.setNoDelay(true)
    socket.on('data', bytes => this.#take(bytes))
    // What was under way stays unanswered, and is counted so.
    socket.on('error', () => socket.destroy())
  }

  static open(port: number, finished: Finished): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1' })
      socket.once('error', reject)
      socket.once('connect', () => resolve(new Connection(socket, finished)))
    })
  }

  ask(path: string, dueMs: number): void {
    this.#dueMs = dueMs
    this.#left = undefined
    this.#socket.write(`GET ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n`)
  }

  close(): void {
    this.#socket.destroy()
  }

  #take(bytes: Buffer): void {
    let body = bytes.length
    if (this.#left === undefined) {
      this.#head = this.#head.length > 0 ? Buffer.concat([this.#head, bytes]) : bytes
      const end = this.#head.indexOf(HEAD_END)
      if (end < 0) return
      const head = this.#head.toString('latin1', 0, end)
      this.#isGood = head.startsWith('HTTP/1.1 200 ')
      this.#left = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1])
      body = this.#head.length - end - HEAD_END.length
      this.#head = Buffer.alloc(0)
    }
    this.#left -= body
    if (this.#left > 0) return
    // NaN: an answer without a length is none that this understands.
    this.#finished(this, this.#dueMs, this.#isGood && this.#left === 0)
  }
}
