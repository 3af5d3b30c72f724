/*
 * A node of the application as a process of its own: an embedded broker in the directory, a hub with SSE and
 * WebSockets on a free port, which it prints. It works slowly, so that it can be killed in the middle.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { openEmbeddedBroker } from '../../lib/broker/embedded/embedded-broker.ts'
import { silentLogger } from '../../lib/common/logger.ts'
import { acceptUpgrades, pushHub } from '../../lib/push.ts'
import { KafkaStreams } from '../../lib/streams/kafka-streams.ts'
import { SECRET, slowPushTopology } from './push-topology.ts'

const directory = process.argv[2]!
const broker = await openEmbeddedBroker({ directory: join(directory, 'broker') })
const config = {
  applicationId: 'app',
  commitIntervalMs: 30,
  stateDir: join(directory, 'state'),
  processingGuarantee: 'exactly-once',
} as const
const streams = new KafkaStreams(slowPushTopology(), config, { broker, logger: silentLogger })
const hub = pushHub(streams, { name: 'push', secret: SECRET, logger: silentLogger })
await streams.start()
const server = createServer()
acceptUpgrades(server, [hub])
server.listen({ port: 0, host: '127.0.0.1' }, () => {
  process.stdout.write(`${(server.address() as AddressInfo).port}\n`)
})
