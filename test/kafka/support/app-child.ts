import { openBroker } from '../../../lib/broker/open/open-broker.ts'
import { systemClock } from '../../../lib/common/clock.ts'
import { consoleLogger, silentLogger } from '../../../lib/common/logger.ts'
import { KafkaStreams } from '../../../lib/streams/kafka-streams.ts'
import { appTopologies } from './app-topologies.ts'
import type { AppSpec } from './app-process.ts'

/**
 * One process of an application, as `app-process.ts` starts it: `node --import tsx app-child.ts SPEC`. Its
 * last word is a line.
 */
const spec = JSON.parse(process.argv[2] ?? '') as AppSpec
const logger = process.env['MILLRACE_TEST_LOG'] ? consoleLogger('debug') : silentLogger
const broker = await openBroker(spec.brokers, { logger })
const topology = appTopologies[spec.topology](spec.prefix)
const clock = { ...systemClock, nowMs: () => systemClock.nowMs() + (spec.aheadMs ?? 0) }
const streams = new KafkaStreams(topology, spec.config, { broker, logger, clock })

const told = new Promise<void>(resolve => {
  process.once('SIGTERM', resolve)
  // Whoever started this one is gone: nobody would end it.
  process.stdin.resume().once('close', resolve)
})
const failed = new Promise<void>(resolve =>
  streams.onStateChange(state => {
    if (state === 'error') resolve()
  }),
)
streams.onStateChange(state => process.stdout.write(`state ${state}\n`))
await Promise.race([streams.start().then(() => told), told, failed])
const rssMb = Math.round(process.memoryUsage.rss() / 1e6)
await streams.close()
await broker.close()
if (streams.error) {
  process.stderr.write(`${streams.error.stack}\n`)
  process.exitCode = 1
}
process.stdout.write(`rss ${rssMb}\nclosed\n`)
process.stdin.destroy()
