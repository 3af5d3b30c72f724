import type { LedQueue } from './leader-finder.ts'

/** A reader or sender, which serves the partitions that one node leads. */
export interface LeaderClient<Queue> {
  readonly queues: Set<Queue>
  kick(): void
  close(): void
}

/** Readers or senders, one for each node that leads partitions, and the queues that each of them serves. */
export class Leaders<Queue extends LedQueue, Client extends LeaderClient<Queue>> {
  readonly #clients = new Map<number, Client>()
  readonly #create: (node: number) => Client

  constructor(create: (node: number) => Client) {
    this.#create = create
  }

  /** The client that serves a queue; undefined while the queue has no leader. */
  of({ leader }: Queue): Client | undefined {
    return leader === undefined ? undefined : this.#clients.get(leader)
  }

  /** Makes this node the one that serves the queue, or none. False where it is so already. */
  move(queue: Queue, node: number | undefined): boolean {
    if (queue.leader === node) return false
    this.of(queue)?.queues.delete(queue)
    queue.leader = node
    if (node !== undefined) this.#clientOf(node).queues.add(queue)
    return true
  }

  kick(): void {
    for (const client of this.#clients.values()) client.kick()
  }

  /** Closes the clients without a queue. */
  closeIdle(): void {
    for (const [node, client] of this.#clients) {
      if (client.queues.size > 0) continue
      client.close()
      this.#clients.delete(node)
    }
  }

  close(): void {
    for (const client of this.#clients.values()) client.close()
  }

  #clientOf(node: number): Client {
    const known = this.#clients.get(node)
    if (known) return known
    const created = this.#create(node)
    this.#clients.set(node, created)
    return created
  }
}
