import { join } from 'node:path'
import { openEmbeddedBroker } from '../../lib/broker/embedded/embedded-broker.ts'
import { silentLogger } from '../../lib/common/logger.ts'
import type { CommitStep } from '../../lib/runtime/commit.ts'
import { KafkaStreams } from '../../lib/streams/kafka-streams.ts'
import { commitSubject } from '../support/commit-subject.ts'

/**
 * Runs the subject over the durable broker in a directory, and ends itself with SIGKILL at the n-th occurrence of a step of the commit; without
 * a step it runs until everything is processed, and closes.
 *
 *     node --import tsx crash-child.ts DIRECTORY RECORDS [STEP OCCURRENCE]
 */
const [directory, records, step, occurrence] = process.argv.slice(2) as [string, string, CommitStep?, string?]

let seen = 0
const broker = await openEmbeddedBroker({ directory: join(directory, 'broker') })
const streams = new KafkaStreams(
  commitSubject(),
  {
    applicationId: 'subject',
    stateDir: join(directory, 'state'),
    commitIntervalMs: 0,
    maxPollRecords: 25,
    bufferedRecordsPerPartition: 25,
    positionIntervalMs: 1,
  },
  {
    broker,
    logger: silentLogger,
    commitProbe: reached => {
      if (reached !== step) return
      seen += 1
      if (seen === Number(occurrence)) process.kill(process.pid, 'SIGKILL')
    },
  },
)
await streams.start()
const admin = await broker.admin()
const partition = { topic: 'in', partition: 0 }
for (;;) {
  const committed = await admin.groupOffsets('subject', [partition])
  if (committed.get('in-0')?.offset === Number(records)) break
  await new Promise(resolve => setTimeout(resolve, 5))
}
await admin.close()
await streams.close()
await broker.close()
process.stdout.write('finished\n')
