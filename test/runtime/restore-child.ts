import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { openEmbeddedBroker } from '../../lib/broker/embedded/embedded-broker.ts'
import { silentLogger } from '../../lib/common/logger.ts'
import { KafkaStreams } from '../../lib/streams/kafka-streams.ts'
import { countSubject } from './restore-subject.ts'

/**
 * Restores the subject's store, and ends itself with SIGKILL when so many records have been handed over.
 *
 *     node --import tsx restore-child.ts DIRECTORY RECORDS
 */
const [directory, records] = process.argv.slice(2) as [string, string]
const broker = await openEmbeddedBroker({ directory: join(directory, 'broker') })
const streams = new KafkaStreams(
  countSubject(),
  { applicationId: 'subject', stateDir: join(directory, 'state'), offsetsLost: 'accept' },
  { broker, logger: silentLogger },
)
void streams.start()
while (streams.metrics.total('restore-total') < Number(records)) await setImmediate()
process.kill(process.pid, 'SIGKILL')
