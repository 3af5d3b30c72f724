import type { NewTopic } from '../broker/broker.ts'
import type { OpenedBroker } from '../broker/open/opened-broker.ts'
import type { Clock } from '../common/clock.ts'
import type { Logger } from '../common/logger.ts'
import { planOptions, resolveConfig, type StreamsConfig } from '../streams/config.ts'
import { KafkaStreams } from '../streams/kafka-streams.ts'
import { internalTopicsOf } from '../topology/internal-topics.ts'
import type { Topology } from '../topology/topology.ts'
import { StalenessMonitor } from './staleness-monitor.ts'

/** What one version of a projection is. */
export interface ProjectionDefinition {
  readonly topology: Topology
  /** The store that is read. */
  readonly storeName: string
  /** Settings, but for the application id, which is the version's. */
  readonly config?: Omit<StreamsConfig, 'applicationId' | 'topics'>
  /**
   * Topics of this version alone, which it writes: made with it, and deleted with it. Two versions must not
   * write to one topic.
   */
  readonly topics?: readonly NewTopic[]
}

export interface VersionParts {
  readonly broker: OpenedBroker
  readonly clock: Clock
  readonly logger: Logger
}

/** One version, running. */
export class ProjectionVersion {
  readonly version: string
  readonly streams: KafkaStreams
  readonly monitor: StalenessMonitor
  readonly #definition: ProjectionDefinition
  readonly #config: StreamsConfig
  readonly #broker: OpenedBroker

  private constructor(
    version: string,
    definition: ProjectionDefinition,
    config: StreamsConfig,
    { broker, streams, monitor }: { broker: OpenedBroker; streams: KafkaStreams; monitor: StalenessMonitor },
  ) {
    this.version = version
    this.streams = streams
    this.monitor = monitor
    this.#definition = definition
    this.#config = config
    this.#broker = broker
  }

  static async start(
    version: string,
    applicationId: string,
    definition: ProjectionDefinition,
    { broker, clock, logger }: VersionParts,
  ): Promise<ProjectionVersion> {
    const { topology, storeName, topics = [] } = definition
    const config = { ...definition.config, applicationId, topics: [...topics] }
    const streams = new KafkaStreams(topology, config, { broker, clock, logger })
    try {
      await streams.start()
      const monitor = await StalenessMonitor.open(streams, { storeName, broker, clock, logger })
      return new ProjectionVersion(version, definition, config, { broker, streams, monitor })
    } catch (error) {
      await streams.close()
      throw error
    }
  }

  async close(): Promise<void> {
    await this.monitor[Symbol.asyncDispose]()
    await this.streams.close()
  }

  /** Closes it, and deletes its topics, its group, and its state on this machine. */
  async remove(): Promise<void> {
    await this.close()
    const { topology, topics = [] } = this.#definition
    const { applicationId } = this.#config
    const plan = topology.plan(applicationId, planOptions(resolveConfig(this.#config)))
    const own = new Set([...internalTopicsOf(plan), ...topics.map(({ topic }) => topic)])
    const admin = await this.#broker.admin()
    try {
      const { state, members } = await admin.describeGroup(applicationId)
      // Other processes still run it: the last one to remove it deletes what is shared.
      if (members.length === 0) {
        await admin.deleteTopics((await admin.listTopics()).filter(topic => own.has(topic)))
        if (state !== 'dead') await admin.deleteGroup(applicationId)
      }
    } finally {
      await admin.close()
    }
    await this.streams.cleanUp()
  }
}
