import { BrokerError } from '../../broker-error.ts'
import type { Admin, Broker, Consumer, ConsumerOptions, Producer, ProducerOptions } from '../../broker.ts'
import { checkClientProperties, construct, type ClientProperties } from '../settings/client-settings.ts'
import { Connections, mendOf } from '../native/connections.ts'
import { ControlClient } from '../native/control-client.ts'
import { KafkaAdmin } from './kafka-admin.ts'
import { checkDirectly, openDirectPaths, type DirectPaths } from './direct-path.ts'
import { checkDataPath, type KafkaBrokerOptions } from '../settings/kafka-broker-options.ts'
import { DirectGroups } from '../client/groups/direct-groups.ts'
import type { GroupQueries } from '../client/groups/group-queries.ts'
import { NativeGroups } from '../native/native-groups.ts'
import { loadNativeClient } from '../native/load-client.ts'
import { closedError } from '../protocol/protocol-error.ts'
import type { NativeModule } from '../native/native-client.ts'
import { openConsumer } from './open-consumer.ts'
import { openProducer } from './open-producer.ts'
import { producerTimeouts } from '../settings/producer-timeouts.ts'

/**
 * Opens a Kafka cluster, and loads the native client for it. Rejects with `KAFKA_CLIENT_MISSING` where that
 * is not installed, with `BROKER_UNREACHABLE` where no broker answers within 10 s, and with a `ConfigError`
 * for an invalid property. Only for the main thread: the native client cannot be loaded in a worker.
 */
export async function openKafkaBroker(options: KafkaBrokerOptions): Promise<Broker> {
  checkClientProperties(options.client ?? {})
  producerTimeouts(options.client ?? {})
  checkDataPath('fetch', options.fetch)
  checkDataPath('produce', options.produce)
  const module = await loadNativeClient()
  const connections = new Connections(options)
  const control = await openControl(module, options, connections).catch(async (reason: unknown) => {
    throw (await refusalOf(options)) ?? reason
  })
  try {
    const direct = await openDirectPaths(options, message => connections.notify(message))
    return new KafkaBroker({ module, options, connections, control, direct })
  } catch (reason) {
    await control.close()
    throw reason
  }
}

/**
 * Opens the admin handle, which belongs to a consumer that never consumes: on any other handle, librdkafka
 * 2.15.1 ends the process when a group's offsets are asked for and the answer is `NOT_COORDINATOR`
 * (`rd_kafka_handle_OffsetFetch` uses the handle's group without checking that there is one).
 */
async function openControl(
  module: NativeModule,
  options: KafkaBrokerOptions,
  connections: Connections,
): Promise<ControlClient> {
  const own = { 'group.id': 'millrace-control', 'enable.auto.commit': false }
  const holder = construct(() => new module.KafkaConsumer(connections.settings('millrace-control', own)))
  const release = () => new Promise<void>(resolve => holder.disconnect(() => resolve()))
  try {
    await connections.connect(holder)
    const native = construct(() => module.AdminClient.createFrom(holder))
    const explain = async (error: BrokerError) => (await refusalOf(options)) ?? error
    return new ControlClient({ native, clock: options.clock, release, explain })
  } catch (reason) {
    await release()
    throw reason
  }
}

/**
 * The error with which the brokers refuse the client, which the native client does not pass on. Undefined
 * where a broker accepts it, where none answers, and where only the native client can speak with them.
 */
async function refusalOf(options: KafkaBrokerOptions): Promise<BrokerError | undefined> {
  const error = await checkDirectly(options).then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!(error instanceof BrokerError && error.class === 'authentication')) return undefined
  const { code, message } = error
  return new BrokerError(
    code,
    'authentication',
    `the connection was refused by ${message}; ${mendOf(code)}`,
    {
      cause: error,
    },
  )
}

interface KafkaBrokerComponents {
  readonly module: NativeModule
  readonly options: KafkaBrokerOptions
  readonly connections: Connections
  readonly control: ControlClient
  readonly direct: DirectPaths
}

class KafkaBroker implements Broker {
  readonly name: string
  readonly principal: string | undefined
  readonly #module: NativeModule
  readonly #options: KafkaBrokerOptions
  readonly #connections: Connections
  readonly #control: ControlClient
  readonly #direct: DirectPaths
  readonly #groups: GroupQueries
  #closed = false

  constructor({ module, options, connections, control, direct }: KafkaBrokerComponents) {
    this.name = options.brokers
    this.principal = principalOf(options.client ?? {})
    this.#module = module
    this.#options = options
    this.#connections = connections
    this.#control = control
    this.#direct = direct
    this.#groups = direct.groups
      ? new DirectGroups({ ...direct.groups, clock: options.clock })
      : new NativeGroups(control, options.clock)
  }

  async consumer(options: ConsumerOptions): Promise<Consumer> {
    if (this.#closed) throw closedError('broker')
    return openConsumer(options, {
      module: this.#module,
      direct: this.#direct.fetch,
      clock: this.#options.clock,
      control: this.#control,
      groups: this.#groups,
      client: this.#options.client ?? {},
      settings: (clientId, own) => this.#connections.settings(clientId, own),
      connect: native => this.#connections.connect(native),
    })
  }

  async producer(options: ProducerOptions): Promise<Producer> {
    if (this.#closed) throw closedError('broker')
    return openProducer(options, {
      module: this.#module,
      direct: this.#direct.produce,
      clock: this.#options.clock,
      client: this.#options.client ?? {},
      settings: (clientId, own) => this.#connections.settings(clientId, own),
      connect: (native, connected) => this.#connections.connect(native, connected),
    })
  }

  async admin(): Promise<Admin> {
    if (this.#closed) throw closedError('broker')
    return new KafkaAdmin({
      control: this.#control,
      cluster: this.#direct.cluster,
      groups: this.#groups,
      clock: this.#options.clock,
    })
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#groups.close()
    this.#direct.close()
    await this.#control.close()
  }
}

/**
 * The principal where the settings name it. Brokers derive that of a certificate or a token by rules of their
 * own, such as `ssl.principal.mapping.rules`.
 */
function principalOf(client: ClientProperties): string | undefined {
  const protocol = String(client['security.protocol'] ?? 'plaintext').toLowerCase()
  if (protocol === 'plaintext') return 'User:ANONYMOUS'
  const user = client['sasl.username']
  return protocol.startsWith('sasl') && user !== undefined ? `User:${user}` : undefined
}
