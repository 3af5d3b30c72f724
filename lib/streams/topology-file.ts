import type { NewTopic } from '../broker/broker.ts'
import type { OpenedBroker } from '../broker/open/opened-broker.ts'
import type { Clock } from '../common/clock.ts'
import type { Logger } from '../common/logger.ts'
import type { Topology } from '../topology/topology.ts'
import type { StreamsConfig } from './config.ts'
import type { KafkaStreams } from './kafka-streams.ts'

/**
 * Values of `--set name=value`, as text. Names of settings are not among them: they configure the
 * application.
 */
export type TopologySettings = { readonly [name: string]: string }

/** The surroundings of a service, besides the application itself. */
export interface ServiceContext {
  /** The application's own broker, open until after the service is disposed. */
  readonly broker: OpenedBroker
  readonly logger: Logger
  readonly clock: Clock
  /** Address to listen at: `HOST` and `PORT` of the environment, else 127.0.0.1 and 8080. */
  readonly host: string
  readonly port: number
  readonly stateDir: string
  readonly applicationId: string
  readonly settings: TopologySettings
  /** Number of this process among `--processes N`; the service runs in the first one, 0. */
  readonly processIndex: number
}

/**
 * A service is started when the application is running, and disposed before it closes. A rejection, or an
 * error on disposal, ends the process with exit code 1.
 */
export type Service = (
  streams: KafkaStreams,
  context: ServiceContext,
) => RunningService | Promise<RunningService>

export interface RunningService extends AsyncDisposable {
  /** Address at which people look at the application: shown where several run together. */
  readonly url?: string
}

/** Description of an application: shown where several run together. */
export interface TopologyAbout {
  readonly title: string
  readonly description: string
}

/** The exports of a file that `millrace run` and `millrace describe` take. */
export interface TopologyFile {
  readonly default: Topology | ((settings: TopologySettings) => Topology | Promise<Topology>)
  /** Topics that the application needs: created where they are missing, on any broker. */
  readonly topics?: readonly NewTopic[]
  /** Settings of the application; those of the command line override them. */
  readonly config?: Partial<StreamsConfig>
  readonly service?: Service
  readonly about?: TopologyAbout
}
