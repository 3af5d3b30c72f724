import { join } from 'node:path'
import { openEmbeddedBroker } from '../../lib/broker/embedded/embedded-broker.ts'
import { systemClock } from '../../lib/common/clock.ts'
import { silentLogger } from '../../lib/common/logger.ts'
import type { CommitStep } from '../../lib/runtime/thread/commit.ts'
import { KafkaStreams } from '../../lib/streams/kafka-streams.ts'
import { eventually } from '../support/eventually.ts'
import { gatherSubject, uncommitted } from '../support/gather-subject.ts'

export interface GatherCrashRun {
  readonly directory: string
  /** How far the clock is set forward. */
  readonly aheadMs: number
  readonly control?: boolean
  /** Ends itself with SIGKILL at this step of a commit, the first after so many records of this run. */
  readonly kill?: { readonly step: CommitStep; readonly records: number }
  /** Whether all timers must have fired before it closes. */
  readonly toLastTimer?: boolean
  readonly limitMs?: number
}

/**
 * Runs the subject over the durable broker in a directory until all input is committed, and closes.
 *
 *     node --import tsx gather-crash-child.ts RUN
 */
const {
  directory,
  aheadMs,
  control,
  kill,
  toLastTimer,
  limitMs = 60_000,
} = JSON.parse(process.argv[2] ?? '') as GatherCrashRun

const broker = await openEmbeddedBroker({ directory: join(directory, 'broker') })
const streams = new KafkaStreams(
  gatherSubject('', { control: control === true }),
  {
    applicationId: 'subject',
    stateDir: join(directory, 'state'),
    commitIntervalMs: 5,
    positionIntervalMs: 1,
    maxPollRecords: 100,
  },
  {
    broker,
    logger: silentLogger,
    clock: { ...systemClock, nowMs: () => systemClock.nowMs() + aheadMs },
    commitProbe: reached => {
      if (reached !== kill?.step || streams.metrics.total('process-total') < kill.records) return
      process.kill(process.pid, 'SIGKILL')
    },
  },
)
await streams.start()
const admin = await broker.admin()
const topics = ['results', 'subject-imports-repartition']
const wait = { pauseMs: 20, limitMs }
await eventually(async () => (await uncommitted(broker, admin, 'subject', topics)) === 0, wait)
if (toLastTimer) await eventually(() => streams.metrics.total('timers-pending') === 0, wait)
await streams.close()
await admin.close()
await broker.close()
process.stdout.write('finished')
