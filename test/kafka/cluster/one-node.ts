import { startRealBroker, type RealBroker } from '../real-broker.ts'
import type { Cluster, ClusterAddresses, NodeAction, NodeId } from './cluster.ts'

/** One broker in place of three, which can be frozen and continued. */
export class OneNode implements Cluster {
  readonly addresses: ClusterAddresses
  readonly #broker: RealBroker

  private constructor(broker: RealBroker) {
    this.#broker = broker
    const { brokers } = broker
    this.addresses = { brokers, proxied: [], secured: '', authority: '', strangeAuthority: '' }
  }

  static async start(say: (line: string) => void): Promise<OneNode> {
    const broker = await startRealBroker({ quiet: true })
    say(`one broker: ${broker.brokers}`)
    return new OneNode(broker)
  }

  /** Nodes 2 and 3 are not there: they are well whatever is done. */
  act(action: NodeAction, node: NodeId): Promise<void> {
    if (action === 'stop' || action === 'kill') throw new Error(`one node cannot be told to ${action}`)
    if (node === 1 && action !== 'start')
      process.kill(this.#broker.pid, action === 'freeze' ? 'SIGSTOP' : 'SIGCONT')
    return Promise.resolve()
  }

  stop(): Promise<void> {
    return this.#broker.stop()
  }
}
