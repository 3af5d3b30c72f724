import { join } from 'node:path'
import type { Certificate } from '../support/certificate.ts'
import type { NodeId } from './cluster.ts'

export interface NodePorts {
  readonly client: number
  readonly controller: number
  /** Of the listener behind the proxy, and of the proxy. */
  readonly proxied: number
  readonly advertised: number
  readonly secured: number
}

export interface NodePropertiesOptions {
  readonly node: NodeId
  readonly folder: string
  readonly ports: ReadonlyMap<NodeId, NodePorts>
  readonly certificate: Certificate
}

/**
 * `server.properties` of one node, broker and controller in one. What decides how long a fault lasts is
 * Kafka's default: a broker is given up after 9 s of silence, a transaction that has timed out is aborted
 * within 10 s. What would only cost time or memory is small.
 */
export function nodeProperties(options: NodePropertiesOptions): { [name: string]: string } {
  const { node, folder, ports } = options
  const voters = [...ports].map(([id, { controller }]) => `${id}@127.0.0.1:${controller}`)
  return {
    'process.roles': 'broker,controller',
    'node.id': String(node),
    'controller.quorum.voters': voters.join(','),
    ...listeners(ports.get(node)!),
    ...security(options.certificate),
    'log.dirs': join(folder, 'data'),
    'auto.create.topics.enable': 'false',
    'num.partitions': '1',
    'default.replication.factor': '3',
    'min.insync.replicas': '2',
    'offsets.topic.replication.factor': '3',
    'offsets.topic.num.partitions': '6',
    'transaction.state.log.replication.factor': '3',
    'transaction.state.log.min.isr': '2',
    'transaction.state.log.num.partitions': '6',
    'share.coordinator.state.topic.replication.factor': '1',
    'share.coordinator.state.topic.min.isr': '1',
    'group.initial.rebalance.delay.ms': '500',
    'group.min.session.timeout.ms': '1000',
    'group.coordinator.rebalance.protocols': 'classic,consumer',
    'log.retention.ms': '-1',
    'log.segment.delete.delay.ms': '1000',
    'log.cleaner.dedupe.buffer.size': '4194304',
    'num.network.threads': '2',
    'num.io.threads': '4',
  }
}

function listeners({ client, controller, proxied, advertised, secured }: NodePorts) {
  const at = (name: string, port: number) => `${name}://127.0.0.1:${port}`
  const common = [at('PLAINTEXT', client), at('SECURED', secured)]
  return {
    listeners: [...common, at('PROXIED', proxied), at('CONTROLLER', controller)].join(','),
    'advertised.listeners': [...common, at('PROXIED', advertised)].join(','),
    'listener.security.protocol.map':
      'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,PROXIED:PLAINTEXT,SECURED:SASL_SSL',
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
  }
}

/**
 * Whoever comes without a name may do everything: the nodes, the witness, applications that have another
 * subject.
 */
function security({ keystore, password }: Certificate) {
  return {
    'ssl.keystore.location': keystore,
    'ssl.keystore.password': password,
    'sasl.enabled.mechanisms': 'SCRAM-SHA-256',
    'listener.name.secured.scram-sha-256.sasl.jaas.config':
      'org.apache.kafka.common.security.scram.ScramLoginModule required;',
    'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    'super.users': 'User:ANONYMOUS',
  }
}
