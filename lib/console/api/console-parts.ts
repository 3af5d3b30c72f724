import type { Admin, Broker } from '../../broker/broker.ts'
import type { Clock } from '../../common/clock.ts'
import type { Logger } from '../../common/logger.ts'
import type { StreamsConfig } from '../../streams/config.ts'
import type { KafkaStreams } from '../../streams/kafka-streams.ts'
import type { Audit } from '../../streams/topology-file.ts'
import type { TopologyPlan } from '../../topology/plan.ts'

/** An application as the console shows it. */
export interface ConsoleApplication {
  readonly streams: KafkaStreams
  readonly plan: TopologyPlan
  readonly config: Partial<StreamsConfig>
  readonly audits: readonly Audit[]
}

export interface ConsoleParts {
  readonly broker: Broker
  readonly admin: Admin
  readonly clock: Clock
  readonly logger: Logger
  /** Ends what would go on for ever. */
  readonly stop: AbortSignal
}
