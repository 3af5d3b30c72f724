import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { openEmbeddedBroker } from '../../lib/broker/embedded/embedded-broker.ts'
import { silentLogger } from '../../lib/common/logger.ts'
import type { CommitStep } from '../../lib/runtime/thread/commit.ts'
import { KafkaStreams } from '../../lib/streams/kafka-streams.ts'
import { readIndex } from '../../lib/projection/read-index.ts'
import { entryText, indexSubject } from '../support/index-subject.ts'

export interface IndexChildOptions {
  readonly directory: string
  /** Of the commit, at whose n-th occurrence the process ends; without it, it shows the index and closes. */
  readonly step?: CommitStep
  readonly occurrence?: number
}

/**
 * Keeps the index over the durable broker in a directory, and ends itself with SIGKILL at a step of a commit;
 * without one it prints what the index and its counts hold when all input is in it.
 *
 *     index-child OPTIONS
 */
const { directory, step, occurrence = 1 } = JSON.parse(process.argv[2]!) as IndexChildOptions
let seen = 0

const broker = await openEmbeddedBroker({ directory: join(directory, 'broker') })
const streams = new KafkaStreams(
  indexSubject(),
  {
    applicationId: 'index',
    stateDir: join(directory, 'state'),
    commitIntervalMs: 0,
    maxPollRecords: 20,
    bufferedRecordsPerPartition: 20,
    positionIntervalMs: 1,
  },
  {
    broker,
    logger: silentLogger,
    commitProbe(reached) {
      if (reached !== step) return
      seen += 1
      if (seen >= occurrence) process.kill(process.pid, 'SIGKILL')
    },
  },
)
await streams.start()
const admin = await broker.admin()
const described = await admin.describeTopics(['sites', 'index-app-sites-repartition'])
const inputs = [...described.values()].flatMap(({ topic, partitionCount }) =>
  Array.from({ length: partitionCount }, (_, partition) => ({ topic, partition })),
)
for (let quiet = 0; quiet < 3;) {
  const ends = await admin.endOffsets(inputs, 'read_committed')
  const committed = await admin.groupOffsets('index', inputs)
  const isDone = [...ends].every(([key, end]) => (committed.get(key)?.offset ?? 0) >= end)
  quiet = isDone ? quiet + 1 : 0
  await sleep(5)
}
const entries: string[] = []
const apps = new Set<string>()
for await (const [key, version] of streams
  .store<{ indexKey: string; key: string }, number>('app-sites')
  .all()) {
  entries.push(`${entryText(key)}=${version}`)
  apps.add(key.indexKey)
}
const index = readIndex<string, string, number>(streams, 'app-sites')
let counted = 0
for (const app of apps) counted += await index.count(app)
const counts = streams.store<string, number>('app-sites-counts')
let rows = 0
for await (const [, count] of counts.all()) rows += count
await admin.close()
await streams.close()
await broker.close()
process.stdout.write(JSON.stringify({ entries: entries.sort(), counted, rows }))
