import { join } from 'node:path'
import { setImmediate, setTimeout as sleep } from 'node:timers/promises'
import { openEmbeddedBroker } from '../../lib/broker/embedded/embedded-broker.ts'
import type { Interceptor } from '../../lib/broker/embedded/state/interceptions.ts'
import type { StreamsError } from '../../lib/common/errors/errors.ts'
import { silentLogger } from '../../lib/common/logger.ts'
import { Metrics } from '../../lib/common/metrics/metrics.ts'
import type { CommitStep } from '../../lib/runtime/thread/commit.ts'
import type { ProcessingGuarantee } from '../../lib/runtime/plan/settings.ts'
import { KafkaStreams } from '../../lib/streams/kafka-streams.ts'
import { commitSubject, refusalOf } from '../support/commit-subject.ts'
import { shortPauses } from '../support/fast-clock.ts'
import { refusing } from '../support/refusing-broker.ts'

/**
 * Runs the subject over the durable broker in a directory, and ends itself with SIGKILL at the n-th
 * occurrence of a step of the commit, having said how many records of the next epoch were processed by then;
 * without a step it runs until everything is processed, and closes.
 *
 *     crash-child OPTIONS
 */
const options = JSON.parse(process.argv[2]!) as CrashOptions
const { directory, records, step, occurrence, processingGuarantee, refused } = options

export interface CrashOptions {
  readonly directory: string
  readonly records: number
  /**
   * Of the commit, at whose n-th occurrence the process ends; without it, it runs until everything is
   * processed.
   */
  readonly step?: CommitStep
  readonly occurrence?: number
  readonly processingGuarantee: ProcessingGuarantee
  /** Numbers of the inputs whose outputs the broker refuses, and what the handler says of them. */
  readonly refused?: { readonly numbers: readonly number[]; readonly handler: 'continue' | 'fail' }
}

const metrics = new Metrics()
const processed = () => metrics.total('process-total')
let seen = 0

const BITE = 25
/** So few that a run takes many commits, however long the machine takes for each. */
const EPOCH_RECORDS_MAX = 2 * BITE
const PAUSE_FACTOR = 50

const takenBack = () => metrics.total('abort-total') + metrics.total('rejoin-total')
/** When the epoch began, by what was processed and what was taken back before. */
let epoch = { processed: 0, takenBack: 0 }

/** An epoch that is taken back begins anew. */
function isFull(): boolean {
  if (takenBack() !== epoch.takenBack) epoch = { processed: processed(), takenBack: takenBack() }
  return processed() - epoch.processed >= EPOCH_RECORDS_MAX
}

/** The input waits until the epoch is sealed, where it is as long as it may be. */
async function untilSealed(): Promise<void> {
  while (isFull()) await sleep(1)
}

/**
 * Holds the broker's answers back until records of the next epoch are processed: there is nothing to wait for
 * at the end of the input.
 */
async function untilProcessed(): Promise<void> {
  const before = processed()
  for (let turn = 0; turn < 100 && processed() === before; turn += 1) await setImmediate()
}

const interceptor: Interceptor = ({ operation, topic }) => {
  if (operation === 'fetch' && topic === 'in') return untilSealed()
  if (['transaction-offsets', 'end-transaction', 'offset-commit'].includes(operation)) return untilProcessed()
}

const broker = await openEmbeddedBroker({
  directory: join(directory, 'broker'),
  interceptor,
})
const streams = new KafkaStreams(
  commitSubject(),
  {
    applicationId: 'subject',
    stateDir: join(directory, 'state'),
    commitIntervalMs: 0,
    maxPollRecords: BITE,
    bufferedRecordsPerPartition: BITE,
    positionIntervalMs: 1,
    processingGuarantee,
    ...(refused ? { deadLetterQueueTopic: 'letters', productionErrorHandler: () => refused.handler } : {}),
  },
  {
    broker: refused ? refusing(broker, refusalOf(refused.numbers)) : broker,
    clock: shortPauses(PAUSE_FACTOR),
    logger: silentLogger,
    metrics,
    commitProbe: reached => {
      if (reached === 'prepared') epoch = { processed: processed(), takenBack: takenBack() }
      if (reached !== step) return
      seen += 1
      if (seen < occurrence!) return
      // Writing to a pipe is synchronous: the line is out before the end.
      process.stdout.write(`next epoch: ${processed() - epoch.processed}\n`)
      process.kill(process.pid, 'SIGKILL')
    },
  },
)
await streams.start().catch(() => undefined)
const admin = await broker.admin()
const partition = { topic: 'in', partition: 0 }
for (;;) {
  const committed = await admin.groupOffsets('subject', [partition])
  if (committed.get('in-0')?.offset === records || streams.state === 'error') break
  await new Promise(resolve => setTimeout(resolve, 5))
}
await admin.close()
await streams.close()
await broker.close()
process.stdout.write(streams.error ? `ended: ${(streams.error as StreamsError).code}\n` : 'finished\n')
