import { join } from 'node:path'
import { openEmbeddedBroker } from '../../lib/broker/embedded/embedded-broker.ts'
import { silentLogger } from '../../lib/common/logger.ts'
import type { ProcessingGuarantee } from '../../lib/runtime/plan/settings.ts'
import type { CommitStep } from '../../lib/runtime/thread/commit.ts'
import { KafkaStreams } from '../../lib/streams/kafka-streams.ts'
import { eventually } from '../support/eventually.ts'
import { firedTimes, schedulesSubject } from '../support/schedules-subject.ts'

/**
 * Runs the subject over the durable broker in a directory, and ends itself with SIGKILL at a step of the
 * commit, the first after so many firings of this run; without a step it runs until so many are committed in
 * all, and closes.
 *
 *     node --import tsx schedules-crash-child.ts DIRECTORY GUARANTEE FIRINGS [STEP]
 */
const [directory, processingGuarantee, firings, step] = process.argv.slice(2) as [
  string,
  ProcessingGuarantee,
  string,
  CommitStep?,
]

const broker = await openEmbeddedBroker({ directory: join(directory, 'broker') })
const streams = new KafkaStreams(
  schedulesSubject(),
  {
    applicationId: 'subject',
    stateDir: join(directory, 'state'),
    processingGuarantee,
    commitIntervalMs: 5,
    positionIntervalMs: 1,
  },
  {
    broker,
    logger: silentLogger,
    commitProbe: reached => {
      if (reached !== step || streams.metrics.total('schedules-fired-total') < Number(firings)) return
      process.kill(process.pid, 'SIGKILL')
    },
  },
)
await streams.start()
await eventually(async () => !step && (await firedTimes(broker, 'out')).length >= Number(firings), {
  pauseMs: 50,
})
await streams.close()
await broker.close()
process.stdout.write('finished')
