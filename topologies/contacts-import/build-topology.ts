import { serdes, StreamsBuilder, type KStream, type Topology } from 'millrace'
import { gatherResults } from './gather-results.ts'
import { importContacts } from './import-contacts.ts'
import { fillPushLog, pushLogStore } from './push-log.ts'
import type { ImportEvent, ImportJob, ImportStart, RowResult, UploadRecord } from './records.ts'
import { releaseUploads } from './release-uploads.ts'
import type { ImportSettings } from './settings.ts'
import { COPIES, TOPICS } from './topics.ts'
import { uploadSerde } from './upload-serde.ts'

const keySerde = serdes.string()
const json = <V>() => ({ keySerde, valueSerde: serdes.json<V>() })

/**
 * Four stages, each exactly-once, with a topic between any two:
 *
 *     import-uploads → release → import-jobs → import → import-results → gather → import-events → number →
 *     push
 *
 * and copies of the tables and of `push` in every process, which is what the service reads.
 */
export function buildTopology(settings: ImportSettings): Topology {
  const builder = new StreamsBuilder()
  const uploads = { name: 'uploads', keySerde, valueSerde: uploadSerde }
  const released = builder
    .stream<string | null, UploadRecord | null>(TOPICS.uploads, uploads)
    .process(releaseUploads(settings), { name: 'release' })
  write(released, TOPICS.starts, TOPICS.jobs)

  const imported = builder
    .stream<string | null, ImportJob | null>(TOPICS.jobs, { name: 'jobs', ...json() })
    .process(importContacts(), { name: 'import' })
  write(imported, TOPICS.contacts, TOPICS.results)

  const startsAndResults = [TOPICS.starts, TOPICS.results]
  const gathered = builder
    .stream<string | null, ImportStart | RowResult | null>(startsAndResults, { name: 'results', ...json() })
    .process(gatherResults(settings), { name: 'gather' })
  write(gathered, TOPICS.imports, TOPICS.failures, TOPICS.events)

  write(numbered(builder), TOPICS.push)
  addCopies(builder)
  return builder.build()
}

/** Sinks are named after their topics: processors forward to them by those. */
function write(stream: KStream<string, unknown>, ...topics: readonly string[]): void {
  for (const topic of topics) stream.to(topic, { name: topic, ...json() })
}

/**
 * Numbers a channel's events 1, 2, 3 …, exactly once: a browser that saw `n` asks for what is behind it.
 * Nothing is held back, since of several events of a channel all must go on.
 */
function numbered(builder: StreamsBuilder): KStream<string, { readonly seq: number }> {
  return builder
    .stream<string | null, ImportEvent | null>(TOPICS.events, { name: 'events', ...json() })
    .groupByKey()
    .aggregate<{ readonly seq: number }>(
      () => ({ seq: 0 }),
      ({ seq }, event) => ({ seq: seq + 1, ...event }),
      { name: 'number', storeName: 'channel-events', caching: false, ...json() },
    )
    .toStream()
}

/** All of them in every process, on its disk: any process answers for all. */
function addCopies(builder: StreamsBuilder): void {
  for (const table of ['contacts', 'imports', 'failures'] as const) {
    const storeName = COPIES[table]
    builder.globalTable(TOPICS[table], { name: storeName, storeName, ...json() })
  }
  builder.addGlobalStore(pushLogStore, TOPICS.push, fillPushLog(), { name: 'push-log', ...json() })
}
