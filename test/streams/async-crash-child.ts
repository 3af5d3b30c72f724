import { join } from 'node:path'
import { openEmbeddedBroker } from '../../lib/broker/embedded/embedded-broker.ts'
import { silentLogger } from '../../lib/common/logger.ts'
import type { CommitStep } from '../../lib/runtime/thread/commit.ts'
import { KafkaStreams } from '../../lib/streams/kafka-streams.ts'
import { asyncSubject, expectedAsync, asyncInput, linesOf } from '../support/async-subject.ts'
import { eventually } from '../support/eventually.ts'
import { RandomCalls } from '../support/random-calls.ts'

/**
 * Runs the subject over the durable broker in a directory, and ends itself with SIGKILL at the n-th
 * occurrence of a step of the commit; without a step it runs until everything has come out, and closes. Says
 * what was wrong with the order of the calls.
 *
 *     node --import tsx async-crash-child.ts DIRECTORY RECORDS SEED [STEP OCCURRENCE]
 */
const [directory, records, seed, step, occurrence] = process.argv.slice(2) as [
  string,
  string,
  string,
  CommitStep?,
  string?,
]

let seen = 0
const broker = await openEmbeddedBroker({ directory: join(directory, 'broker') })
// What an earlier process has done is not known here: only that calls of one key do not overlap.
const calls = new RandomCalls({ seed: Number(seed), endsMax: 8, watchesNumbers: false })
const streams = new KafkaStreams(
  // So few at a time that a run takes many commits, however slow the machine makes each.
  asyncSubject(calls.call, { concurrency: step === undefined ? 60 : 6 }),
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
      // With calls under way, which is what this is about.
      if (reached !== step || streams.metrics.total('async-calls-in-flight') === 0) return
      seen += 1
      if (seen === Number(occurrence)) process.kill(process.pid, 'SIGKILL')
    },
  },
)
await streams.start()
const expected = expectedAsync(asyncInput(Number(records)), 1).out[0]!.length
await eventually(async () => (await linesOf(broker, 'out', 1))[0]!.length >= expected, { pauseMs: 20 })
await streams.close()
await broker.close()
calls.stop()
process.stdout.write(calls.violations.join('\n') || 'finished')
