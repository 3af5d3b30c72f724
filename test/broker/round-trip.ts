import { Cluster } from '../../lib/broker/kafka/client/connection/cluster.ts'
import { connectionSettings } from '../../lib/broker/kafka/client/connection/connection-settings.ts'
import { systemClock } from '../../lib/common/clock.ts'

/**
 * Connects to a fake cluster, asks it for its versions and its topic, and closes. Requests that a client sent
 * before have arrived by then: for tests that nothing was sent, in place of a wait.
 */
export async function roundTrip({ address, topic }: { readonly address: string; readonly topic: string }) {
  const security = { tls: undefined, sasl: undefined }
  const settings = connectionSettings({})
  const cluster = new Cluster(address, { clientId: 'round-trip', clock: systemClock, settings, security })
  await cluster.refresh(new Set([topic]))
  cluster.close()
}
