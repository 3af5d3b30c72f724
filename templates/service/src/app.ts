import type { KafkaStreams, RunningService, ServiceContext } from 'millrace'
import { clickSerdes, totalsByButton } from './topology.ts'
import { startServer } from './server.ts'

export default totalsByButton()

/** Names its group, its internal topics and its state. */
export const config = { applicationId: 'my-app' }

export const topics = [
  { topic: 'clicks', partitionCount: 4 },
  { topic: 'totals', partitionCount: 4 },
]

/** Started by `millrace run` and `millrace dev` when the application is running, disposed before it closes. */
export function service(streams: KafkaStreams, context: ServiceContext): Promise<RunningService> {
  return startServer(streams, context.broker.topic('clicks', clickSerdes), context)
}
