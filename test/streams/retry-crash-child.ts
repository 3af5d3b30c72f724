import { join } from 'node:path'
import { openEmbeddedBroker } from '../../lib/broker/embedded/embedded-broker.ts'
import { silentLogger } from '../../lib/common/logger.ts'
import type { ProcessingGuarantee } from '../../lib/runtime/plan/settings.ts'
import type { CommitStep } from '../../lib/runtime/thread/commit.ts'
import { KafkaStreams } from '../../lib/streams/kafka-streams.ts'
import { eventually } from '../support/eventually.ts'
import { countFates, retrySubject } from '../support/retry-subject.ts'

/**
 * Runs the subject over the durable broker in a directory, and ends itself with SIGKILL at the n-th
 * occurrence of a step of the commit while records are parked; without a step it runs until each record has
 * its fate, and closes.
 *
 *     node --import tsx retry-crash-child.ts GUARANTEE DIRECTORY RECORDS [STEP OCCURRENCE]
 */
const [processingGuarantee, directory, records, step, occurrence] = process.argv.slice(2) as [
  ProcessingGuarantee,
  string,
  string,
  CommitStep?,
  string?,
]

let seen = 0
const broker = await openEmbeddedBroker({ directory: join(directory, 'broker') })
const streams = new KafkaStreams(
  retrySubject(),
  {
    applicationId: 'subject',
    stateDir: join(directory, 'state'),
    processingGuarantee,
    commitIntervalMs: 0,
    maxPollRecords: 25,
    bufferedRecordsPerPartition: 25,
  },
  {
    broker,
    logger: silentLogger,
    commitProbe: reached => {
      if (reached !== step || streams.metrics.total('retry-parked-records') === 0) return
      seen += 1
      if (seen === Number(occurrence)) process.kill(process.pid, 'SIGKILL')
    },
  },
)
await streams.start()
await eventually(async () => (await countFates(broker, 'subject')) >= Number(records), {
  pauseMs: 20,
  what: 'the fate of every record',
})
await streams.close()
await broker.close()
process.stdout.write('finished')
