import type { NewTopic } from '../broker/broker.ts'
import type { OpenedBroker } from '../broker/open/opened-broker.ts'
import type { Clock } from '../common/clock.ts'
import type { Logger } from '../common/logger.ts'
import type { Topology } from '../topology/topology.ts'
import type { StreamsConfig } from './config.ts'
import type { KafkaStreams } from './kafka-streams.ts'

/**
 * What `--set name=value` gave, as text, but for names of settings, which configure the application instead.
 */
export type TopologySettings = { readonly [name: string]: string }

/** What a service runs with besides the application itself. */
export interface ServiceContext {
  /** Open until after the service is disposed; the application's own. */
  readonly broker: OpenedBroker
  readonly logger: Logger
  readonly clock: Clock
  /** Where to listen: `HOST` and `PORT` of the environment, else 127.0.0.1 and 8080. */
  readonly host: string
  readonly port: number
  readonly stateDir: string
  readonly applicationId: string
  readonly settings: TopologySettings
  /** Which of `--processes N` this is; the service runs in the first one, 0. */
  readonly processIndex: number
}

/**
 * Started when the application is running, disposed before it closes. A rejection, or an error on disposal,
 * ends the process with exit code 1.
 */
export type Service = (
  streams: KafkaStreams,
  context: ServiceContext,
) => RunningService | Promise<RunningService>

export interface RunningService extends AsyncDisposable {
  /** Where people look at it: shown where several applications run together. */
  readonly url?: string
}

/** What an application is, in words: shown where several run together. */
export interface TopologyAbout {
  readonly title: string
  readonly description: string
}

/** The exports of a file that `millrace run` and `millrace describe` take. */
export interface TopologyFile {
  readonly default: Topology | ((settings: TopologySettings) => Topology | Promise<Topology>)
  /** Topics it needs: created where they are missing, on any broker. */
  readonly topics?: readonly NewTopic[]
  /** Settings of the application; the command line goes before them. */
  readonly config?: Partial<StreamsConfig>
  readonly service?: Service
  readonly about?: TopologyAbout
}
