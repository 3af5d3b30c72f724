import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { openEmbeddedBroker } from '../../lib/broker/embedded/embedded-broker.ts'
import type { Interceptor } from '../../lib/broker/embedded/interceptor.ts'
import type { StreamsError } from '../../lib/common/errors.ts'
import { silentLogger } from '../../lib/common/logger.ts'
import { Metrics } from '../../lib/common/metrics.ts'
import type { CommitStep } from '../../lib/runtime/commit.ts'
import type { ProcessingGuarantee } from '../../lib/runtime/settings.ts'
import { KafkaStreams } from '../../lib/streams/kafka-streams.ts'
import { commitSubject, refusalOf } from '../support/commit-subject.ts'
import { refusing } from '../support/refusing-broker.ts'

/**
 * Runs the subject over the durable broker in a directory, and ends itself with SIGKILL at the n-th occurrence of a step of the commit, having
 * said how many records of the next epoch were processed by then; without a step it runs until everything is processed, and closes.
 *
 *     node --import tsx crash-child.ts OPTIONS
 */
const options = JSON.parse(process.argv[2]!) as CrashOptions
const { directory, records, step, occurrence, processingGuarantee, refused } = options

export interface CrashOptions {
  readonly directory: string
  readonly records: number
  /** Of the commit, at whose n-th occurrence the process ends; without it, it runs until everything is processed. */
  readonly step?: CommitStep
  readonly occurrence?: number
  readonly processingGuarantee: ProcessingGuarantee
  /** Numbers of the inputs whose outputs the broker refuses, and what the handler says of them. */
  readonly refused?: { readonly numbers: readonly number[]; readonly handler: 'continue' | 'fail' }
}

const metrics = new Metrics()
const processed = metrics.counter('process-total')
let sealedAt = 0
let seen = 0

/** Holds the broker's answers back until records of the next epoch are processed: there is nothing to wait for at the end of the input. */
const untilProcessed: Interceptor = async ({ operation, clientId }) => {
  if (!['transaction-offsets', 'end-transaction', 'offset-commit'].includes(operation)) return
  if (clientId?.startsWith('test')) return
  const before = processed.value
  for (let turn = 0; turn < 100 && processed.value === before; turn += 1) await setImmediate()
}

const broker = await openEmbeddedBroker({
  directory: join(directory, 'broker'),
  interceptor: untilProcessed,
})
const streams = new KafkaStreams(
  commitSubject(),
  {
    applicationId: 'subject',
    stateDir: join(directory, 'state'),
    commitIntervalMs: 0,
    maxPollRecords: 25,
    bufferedRecordsPerPartition: 25,
    positionIntervalMs: 1,
    processingGuarantee,
    ...(refused ? { deadLetterQueueTopic: 'letters', productionErrorHandler: () => refused.handler } : {}),
  },
  {
    broker: refused ? refusing(broker, refusalOf(refused.numbers)) : broker,
    logger: silentLogger,
    metrics,
    commitProbe: reached => {
      if (reached === 'prepared') sealedAt = processed.value
      if (reached !== step) return
      seen += 1
      if (seen < occurrence!) return
      // Writing to a pipe is synchronous: the line is out before the end.
      process.stdout.write(`next epoch: ${processed.value - sealedAt}\n`)
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
