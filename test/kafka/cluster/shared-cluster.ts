import { once } from 'node:events'
import { createServer, get, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Cluster, ClusterAddresses, NodeAction, NodeId } from './cluster.ts'

/** What is lent: started once, and stopped at the end. */
export interface LentCluster extends Cluster {
  stop(): Promise<void>
}

/**
 * The one cluster of a test run: started when a test file first asks for it, and lent to one file after the
 * other, for what one does to it the others must not see. It runs in the process of the run, so that it
 * outlives the files' processes.
 */
export class ClusterLender {
  readonly #server: Server
  readonly #waiting: ServerResponse[] = []
  readonly #start: () => Promise<LentCluster>
  #cluster: Promise<LentCluster> | undefined
  #borrower: ServerResponse | undefined

  private constructor(start: () => Promise<LentCluster>) {
    this.#start = start
    this.#server = createServer((request, response) => this.#take(request, response))
  }

  /** Resolves with the lender and its address, which `borrowCluster` takes. */
  static async open(
    start: () => Promise<LentCluster>,
  ): Promise<{ readonly lender: ClusterLender; readonly url: string }> {
    const lender = new ClusterLender(start)
    await new Promise<void>(resolve => void lender.#server.listen(0, '127.0.0.1', resolve))
    return { lender, url: `http://127.0.0.1:${(lender.#server.address() as AddressInfo).port}` }
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise(resolve => this.#server.close(resolve))
    await (await this.#cluster?.catch(() => undefined))?.stop()
  }

  /** `GET /` borrows for as long as the connection is open; `POST /ACTION/NODE` acts. */
  #take(request: IncomingMessage, response: ServerResponse): void {
    if (request.method === 'GET') {
      this.#waiting.push(response)
      response.once('close', () => this.#giveBack(response))
      return this.#lend()
    }
    const [, action, node] = request.url!.split('/')
    this.#started()
      .then(cluster => cluster.act(action as NodeAction, Number(node) as NodeId))
      .then(
        () => response.end('{}'),
        (reason: unknown) => response.end(JSON.stringify({ error: String(reason) })),
      )
  }

  #lend(): void {
    if (this.#borrower) return
    const next = this.#waiting.shift()
    if (!next) return
    this.#borrower = next
    this.#started().then(
      ({ addresses }) => next.write(`${JSON.stringify({ addresses })}\n`),
      (reason: unknown) => next.write(`${JSON.stringify({ error: String(reason) })}\n`),
    )
  }

  #giveBack(response: ServerResponse): void {
    const at = this.#waiting.indexOf(response)
    if (at >= 0) this.#waiting.splice(at, 1)
    if (this.#borrower !== response) return
    this.#borrower = undefined
    this.#lend()
  }

  #started(): Promise<LentCluster> {
    this.#cluster ??= this.#start()
    return this.#cluster
  }
}

/** A cluster that belongs to this file alone until it is given back, or this process ends. */
export interface BorrowedCluster extends Cluster {
  giveBack(): void
}

interface Answer {
  readonly addresses?: ClusterAddresses
  readonly error?: string
}

/** Waits while another file has it. */
export async function borrowCluster(url: string): Promise<BorrowedCluster> {
  const request = get(url)
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  // To give it back is to break the connection off.
  for (const each of [request, response]) each.on('error', () => undefined)
  const [line] = (await once(response, 'data')) as [Buffer]
  const { addresses, error } = JSON.parse(line.toString()) as Answer
  if (!addresses) throw new Error(`no cluster: ${error}`)
  return {
    addresses,
    giveBack: () => void request.destroy(),
    act: async (action, node) => {
      const answer = await fetch(`${url}/${action}/${node}`, { method: 'POST' })
      const { error } = (await answer.json()) as Answer
      if (error !== undefined) throw new Error(error)
    },
  }
}
