import { join } from 'node:path'
import { openEmbeddedBroker } from '../../lib/broker/embedded/embedded-broker.ts'
import { silentLogger } from '../../lib/common/logger.ts'
import type { ProcessingGuarantee } from '../../lib/runtime/plan/settings.ts'
import type { CommitStep } from '../../lib/runtime/thread/commit.ts'
import { KafkaStreams } from '../../lib/streams/kafka-streams.ts'
import { eventually } from '../support/eventually.ts'
import { seenFirings, timersSubject } from '../support/timers-subject.ts'

/**
 * Runs the subject over the durable broker in a directory, and ends itself with SIGKILL at a step of the
 * commit, the first after so many timers have fired; without a step it runs until all have, and closes.
 *
 *     node --import tsx timers-crash-child.ts DIRECTORY TIMERS GUARANTEE [STEP FIRED]
 */
const [directory, timers, processingGuarantee, step, fired] = process.argv.slice(2) as [
  string,
  string,
  ProcessingGuarantee,
  CommitStep?,
  string?,
]

const broker = await openEmbeddedBroker({ directory: join(directory, 'broker') })
const streams = new KafkaStreams(
  timersSubject(),
  {
    applicationId: 'subject',
    stateDir: join(directory, 'state'),
    processingGuarantee,
    commitIntervalMs: 0,
    positionIntervalMs: 1,
  },
  {
    broker,
    logger: silentLogger,
    commitProbe: reached => {
      if (reached !== step || streams.metrics.total('timers-fired-total') < Number(fired)) return
      process.kill(process.pid, 'SIGKILL')
    },
  },
)
await streams.start()
await eventually(
  async () => new Set((await seenFirings(broker)).map(line => line.split('=')[0])).size >= Number(timers),
  { pauseMs: 20 },
)
await eventually(() => streams.metrics.total('timers-pending') === 0)
await streams.close()
await broker.close()
process.stdout.write('finished')
