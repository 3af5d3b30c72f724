/** Of the nodes of a cluster: 1, 2 and 3. */
export type NodeId = 1 | 2 | 3

export const NODE_IDS: readonly NodeId[] = [1, 2, 3]

/** What can be done to a node. `start` gives it its own data again. */
export type NodeAction = 'start' | 'stop' | 'kill' | 'freeze' | 'continue'

/**
 * Where a cluster is reached. Plain data: it goes from the process that owns the nodes to those of the tests.
 */
export interface ClusterAddresses {
  /** Plaintext, without rights to check: for whoever feeds and judges. */
  readonly brokers: string
  /**
   * Ports of the listeners that a proxy stands before, and those that they advertise, where the proxy must
   * listen.
   */
  readonly proxied: readonly {
    readonly node: NodeId
    readonly port: number
    readonly advertisedPort: number
  }[]
  /** TLS with SCRAM, and rights that are checked. */
  readonly secured: string
  /** Path of the certificate that vouches for the brokers, and of one that does not. */
  readonly authority: string
  readonly strangeAuthority: string
}

/** Three nodes, each of which can be stopped, killed, frozen, continued and started again. */
export interface Cluster {
  readonly addresses: ClusterAddresses
  /**
   * `start` resolves when the node accepts connections, `stop` and `kill` when its process is gone. A node in
   * the wanted state already is left as it is.
   */
  act(action: NodeAction, node: NodeId): Promise<void>
}

/** Every node again, whatever was done to it. */
export async function reviveAll(cluster: Cluster): Promise<void> {
  await Promise.all(NODE_IDS.map(node => cluster.act('continue', node)))
  await Promise.all(NODE_IDS.map(node => cluster.act('start', node)))
}
